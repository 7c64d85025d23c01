"""What a draft would come to, before anything is stored, and how a priced offer is told: to people and to machines alike."""

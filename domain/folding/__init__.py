"""What steps and facts do to a deal, by what they are about; `domain/fold.py` and `domain/judge.py` ask these."""

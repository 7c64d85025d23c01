"""The parts that a quote is made of, without knowing the whole: its terms, its lines as asked and as priced, its waterfall."""

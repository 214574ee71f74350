"""What a run found, for people: pages of HTML, tables of the terminal, comparisons."""

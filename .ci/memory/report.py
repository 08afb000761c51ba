"""What is printed, and what is held to a bound."""


class Report:
    def __init__(self):
        self.checked = self.missed = 0

    def table(self, title, rows, *heads):
        """Numbers to the right, in columns; as Markdown."""
        print(f"\n{title}\n")
        widths = [max(len(str(row[i])) for row in [heads, *rows]) for i in range(len(heads))]
        line = lambda row: "| " + " | ".join(
            str(cell).ljust(width) if i == 0 else str(cell).rjust(width) for i, (cell, width) in enumerate(zip(row, widths))
        ) + " |"
        print(line(heads))
        print("| " + " | ".join("---".ljust(w) if i == 0 else "---:".rjust(w) for i, w in enumerate(widths)) + " |")
        for row in rows:
            print(line(row))

    def note(self, text):
        print(f"\n{text}")

    def bound(self, what, value, most, least=0):
        """Something to be at most `most`; what is less than `least` was not measured at all."""
        return self.hold(f"{what}: {value}, at most {most}", least < value <= most)

    def hold(self, what, is_so):
        self.checked += 1
        if not is_so:
            self.missed += 1
            print(f"MISSED: {what}")
        return is_so

    def verdict(self):
        print(f"\n{self.checked - self.missed} passed, {self.missed} failed")
        return self.missed == 0

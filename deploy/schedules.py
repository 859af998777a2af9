"""AWS's cron expressions: six fields, in which either the day or the weekday is a question mark."""

import re

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
# Name, minimum, maximum, names of the numbers from the minimum on, and a pattern of other allowed values.
FIELDS = [
    ("minutes", 0, 59, [], None),
    ("hours", 0, 23, [], None),
    ("day", 1, 31, [], r"\?|L|LW|\d+W"),
    ("month", 1, 12, MONTHS, None),
    ("weekday", 1, 7, WEEKDAYS, r"\?|L|[1-7]L|[1-7]#[1-5]"),
    ("year", 1970, 2199, [], None),
]


def as_fields(expression):
    """The fields by their names. Raises ValueError for an expression that AWS would reject."""
    found = re.fullmatch(r"cron\(([^()]*)\)", expression)
    if not found:
        raise ValueError(f"the schedule is `{expression}`; expected an expression such as cron(5 4 * * ? *)")
    texts = found[1].split(" ")
    if len(texts) != len(FIELDS):
        raise ValueError(f"{expression} has {len(texts)} fields; expected {len(FIELDS)}")
    fields = {}
    for text, (name, least, most, names, special) in zip(texts, FIELDS, strict=False):
        for part in text.split(","):
            if not (special and re.fullmatch(special, part)) and not _is_range(part, least, most, names):
                raise ValueError(f"the {name} of {expression} cannot be `{part}`")
        fields[name] = text
    if (fields["day"] == "?") == (fields["weekday"] == "?"):
        raise ValueError(f"{expression} must have a ? for either the day or the weekday")
    return fields


def _is_range(part, least, most, names):
    """`*`, a number, `from-to`, and any of these with `/step`."""
    span, _, step = part.partition("/")
    if "/" in part and not (step.isdigit() and int(step) > 0):
        return False
    if span == "*":
        return True
    numbers = [least + names.index(each) if each in names else each for each in span.split("-")]
    return len(numbers) <= 2 and all(str(each).isdigit() and least <= int(each) <= most for each in numbers)

//! Splits texts of several names in which commas separate names but also occur within them: `IT: Network, Wired, Projector`.
//!
//! A comma alone is not enough to separate names, so the whole column is used. A text is split at its commas, and neighboring
//! pieces are joined again if one of these holds:
//!
//! * together they are a known name, from a cell with a list or from the command line;
//! * the first occurs twice in one cell (`Chairs, Fixed, Chairs, Movable`), so it is not a name on its own;
//! * the first has a group prefix (`IT: Network`), and the second occurs only after such names;
//! * they are categories that occur together in five cells or more, never apart, and not in every cell. This does not apply to
//!   features: a projector often comes with a screen.

use std::collections::{HashMap, HashSet};

/// In how many cells two pieces must be neighbors before they count as one name.
const ENOUGH: usize = 5;

/// The names of features or of categories in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// A list of names.
    Separate(Vec<String>),
    /// All names in one text.
    Joined(String),
}

impl Default for Cell {
    fn default() -> Self {
        Self::Separate(Vec::new())
    }
}

/// What is learned about the names of a column from all its cells.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashSet<String>,
    /// The maximum number of pieces in a known name.
    longest: usize,
    /// Whether commas without a following space separate names too.
    narrow: bool,
    /// Pieces that are not names on their own.
    prefixes: HashSet<String>,
    /// Neighboring pieces that are one name.
    pairs: HashSet<(String, String)>,
}

/// How often pieces occur, and with which neighbors.
#[derive(Default)]
struct Seen {
    cells: usize,
    pieces: HashMap<String, usize>,
    pairs: HashMap<(String, String), usize>,
    /// Pieces that occur first in a cell, or after one without a group prefix.
    independent: HashSet<String>,
}

impl Names {
    /// Learns from all cells of features.
    pub(super) fn of_features<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        Self::learn(cells, &[], usize::MAX)
    }

    /// Learns from all cells of categories, and from names on the command line.
    pub(super) fn of_categories<'a>(cells: impl Iterator<Item = &'a Cell>, known: &[String]) -> Self {
        Self::learn(cells, known, ENOUGH)
    }

    /// Neighbors in at least `enough` cells are one name if they never occur apart.
    fn learn<'a>(cells: impl Iterator<Item = &'a Cell>, known: &[String], enough: usize) -> Self {
        let mut names = Self { known: known.iter().cloned().collect(), ..Self::default() };
        let mut texts = Vec::new();
        for cell in cells {
            match cell {
                Cell::Separate(each) => names.known.extend(each.iter().cloned()),
                Cell::Joined(text) => texts.push(text.as_str()),
            }
        }
        names.longest = names.known.iter().map(|name| name.split(", ").count()).max().unwrap_or_default();
        names.narrow = !texts.iter().any(|text| text.contains(", "));
        let mut seen = Seen::default();
        for text in texts {
            let pieces = names.pieces(text);
            names.prefixes.extend(repeated(&pieces));
            seen.add(&pieces);
        }
        names.pairs = seen.belonging_together(enough);
        names
    }

    /// The names in a cell, in order and without duplicates.
    pub(super) fn of(&self, cell: Cell) -> Vec<String> {
        let mut names = match cell {
            Cell::Separate(names) => names,
            Cell::Joined(text) => self.put_together(&self.pieces(&text)),
        };
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// The names of a cell that were joined by a guess.
    pub(super) fn guesses(&self, cell: &Cell) -> impl Iterator<Item = String> {
        let names = match cell {
            Cell::Separate(_) => Vec::new(),
            Cell::Joined(text) => self.put_together(&self.pieces(text)),
        };
        names.into_iter().filter(|name| name.contains(", ") && !name.contains(['(', '[']) && !self.known.contains(name))
    }

    /// Splits a text at its commas, except those in brackets.
    fn pieces(&self, text: &str) -> Vec<String> {
        let (mut pieces, mut piece, mut depth) = (Vec::new(), String::new(), 0_usize);
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '(' | '[' => depth += 1,
                ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let separates =
                character == ',' && depth == 0 && (self.narrow || rest.peek().is_none_or(|next| *next == ' '));
            if separates { pieces.push(std::mem::take(&mut piece)) } else { piece.push(character) }
        }
        pieces.push(piece);
        pieces.iter().map(|piece| piece.trim()).filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
    }

    fn put_together(&self, pieces: &[String]) -> Vec<String> {
        let mut names = Vec::new();
        let mut rest = pieces;
        while !rest.is_empty() {
            let length = self.known_at(rest).unwrap_or_else(|| self.glued_at(rest));
            let (name, behind) = rest.split_at(length);
            names.push(name.join(", "));
            rest = behind;
        }
        names
    }

    /// The number of pieces in the longest known name at the beginning.
    fn known_at(&self, pieces: &[String]) -> Option<usize> {
        (1..=self.longest.min(pieces.len()))
            .rev()
            .find(|length| pieces.get(..*length).is_some_and(|name| self.known.contains(&name.join(", "))))
    }

    /// The number of pieces at the beginning that belong together.
    fn glued_at(&self, pieces: &[String]) -> usize {
        let glued = pieces.windows(2).take_while(|pair| match pair {
            [first, second] => self.prefixes.contains(first) || self.pairs.contains(&(first.clone(), second.clone())),
            _ => false,
        });
        1 + glued.count()
    }
}

impl Seen {
    fn add(&mut self, pieces: &[String]) {
        self.cells += 1;
        for piece in pieces.iter().collect::<HashSet<_>>() {
            *self.pieces.entry(piece.clone()).or_default() += 1;
        }
        let pairs = pieces.windows(2).filter_map(|pair| match pair {
            [first, second] => Some((first.clone(), second.clone())),
            _ => None,
        });
        for pair in pairs.collect::<HashSet<_>>() {
            *self.pairs.entry(pair).or_default() += 1;
        }
        let before = std::iter::once(None).chain(pieces.iter().map(Some));
        let independent = before.zip(pieces).filter(|(before, _)| before.is_none_or(|before| !is_of_group(before)));
        self.independent.extend(independent.map(|(_, piece)| piece.clone()));
    }

    fn belonging_together(self, enough: usize) -> HashSet<(String, String)> {
        let Self { cells, pieces, pairs, independent } = self;
        let belong = |(first, second): &(String, String), together: usize| {
            let is_everywhere = |piece: &String| pieces.get(piece).is_some_and(|number| *number == together);
            let of_group = is_of_group(first) && !is_of_group(second) && !independent.contains(second);
            let never_apart = is_everywhere(first) && is_everywhere(second) && (enough..cells).contains(&together);
            of_group || never_apart
        };
        pairs.into_iter().filter(|(pair, together)| belong(pair, *together)).map(|(pair, _)| pair).collect()
    }
}

/// Whether a piece has a group prefix, such as `IT: Network`.
fn is_of_group(piece: &str) -> bool {
    piece.contains(": ")
}

/// The pieces that occur more than once.
fn repeated(pieces: &[String]) -> impl Iterator<Item = String> {
    let mut seen = HashSet::new();
    pieces.iter().filter(move |piece| !seen.insert(*piece)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(column: &[&str], known: &[&str]) -> Vec<Vec<String>> {
        let cells: Vec<_> = column.iter().map(|text| Cell::Joined((*text).to_owned())).collect();
        let known: Vec<_> = known.iter().map(|name| (*name).to_owned()).collect();
        let names = Names::of_categories(cells.iter(), &known);
        cells.into_iter().map(|cell| names.of(cell)).collect()
    }

    #[test]
    fn names_are_separated_by_commas() {
        let column = ["Projector, Whiteboard", "Projector, Whiteboard", "Projector", ""];
        let two = vec!["Projector", "Whiteboard"];
        assert_eq!(split(&column, &[]), [two.clone(), two, vec!["Projector"], vec![]]);
        assert_eq!(split(&["Projector,Whiteboard"], &[])[0], ["Projector", "Whiteboard"]);
        assert_eq!(split(&["Seats 1,200, Stage"], &[])[0], ["Seats 1,200", "Stage"]);
    }

    #[test]
    fn a_name_with_a_group_prefix_may_contain_a_comma() {
        let column = [
            "IT: Network, Wired, Projector",
            "IT: Network, Wireless",
            "Projector",
            "IT: Phone, Whiteboard",
            "Whiteboard",
        ];
        assert_eq!(
            split(&column, &[]),
            [
                vec!["IT: Network, Wired", "Projector"],
                vec!["IT: Network, Wireless"],
                vec!["Projector"],
                vec!["IT: Phone", "Whiteboard"],
                vec!["Whiteboard"],
            ]
        );
    }

    #[test]
    fn a_piece_repeated_in_one_cell_is_only_the_prefix_of_a_name() {
        assert_eq!(
            split(&["Chairs, Fixed, Chairs, Movable, Stage", "Chairs, Fixed"], &[]),
            [vec!["Chairs, Fixed", "Chairs, Movable", "Stage"], vec!["Chairs, Fixed"]]
        );
    }

    #[test]
    fn pieces_that_never_occur_apart_are_one_name_if_frequent_enough() {
        let mut column = vec!["Classrooms, General Use"; ENOUGH];
        assert_eq!(split(&column, &[])[0], ["Classrooms", "General Use"], "all cells are the same");
        column.push("Labs");
        assert_eq!(split(&column, &[])[0], ["Classrooms, General Use"]);
        let cells: Vec<_> = column.iter().map(|text| Cell::Joined((*text).to_owned())).collect();
        let features = Names::of_features(cells.iter());
        assert_eq!(features.of(cells[0].clone()), ["Classrooms", "General Use"], "features are not joined");
        column.push("Classrooms");
        assert_eq!(split(&column, &[])[0], ["Classrooms", "General Use"]);
    }

    #[test]
    fn known_names_and_brackets_keep_their_commas() {
        assert_eq!(split(&["Labs, Wet, Classrooms"], &["Labs, Wet"])[0], ["Labs, Wet", "Classrooms"]);
        assert_eq!(split(&["Lab (wet, dry), Stage"], &[])[0], ["Lab (wet, dry)", "Stage"]);
    }

    #[test]
    fn names_from_a_list_are_kept_and_help_to_split_joined_names() {
        let cells = [Cell::Separate(vec!["A, B".into(), "C".into(), "C".into()]), Cell::Joined("C, A, B".into())];
        let names = Names::of_features(cells.iter());
        assert_eq!(cells.map(|cell| names.of(cell)), [["A, B", "C"], ["C", "A, B"]]);
    }
}

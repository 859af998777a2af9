//! A repeatable generator of random numbers: splitmix64, seeded by words.
//!
//! It uses no crate, because the numbers must be the same for every request, after every restart and with every version of a
//! dependency.

/// A repeatable sequence of random numbers.
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// Creates the generator for these words, in this order.
    pub(crate) fn of(words: &[&str]) -> Self {
        Self { state: fnv1a(words) }
    }

    /// True once in `n` calls, on average.
    pub(crate) fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// True in `chance` of a hundred calls, on average.
    pub(crate) fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }

    /// A number below `n`; 0 if `n` is 0. The bias of the remainder does not matter here.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        self.next().checked_rem(n).unwrap_or(0)
    }

    /// The next 32 bits: the upper half of splitmix64's output, which is the better one.
    fn next(&mut self) -> u32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 32) as u32
    }
}

/// FNV-1a over the words. The byte 0xFF after each word occurs in no UTF-8 text, so `ab c` and `a bc` differ.
fn fnv1a(words: &[&str]) -> u64 {
    words
        .iter()
        .flat_map(|word| word.bytes().chain([0xFF]))
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(words: &[&str]) -> Vec<u32> {
        let mut dice = Dice::of(words);
        (0..8).map(|_| dice.below(1000)).collect()
    }

    #[test]
    fn the_same_words_give_the_same_numbers() {
        assert_eq!(numbers(&["342", "2026-02-03"]), numbers(&["342", "2026-02-03"]));
    }

    #[test]
    fn different_words_give_different_numbers() {
        assert_ne!(numbers(&["342", "2026-02-03"]), numbers(&["342", "2026-02-04"]));
        assert_ne!(numbers(&["ab", "c"]), numbers(&["a", "bc"]));
    }

    #[test]
    fn percent_is_true_about_as_often_as_requested() {
        let mut dice = Dice::of(&["fair"]);
        let hits = (0..10_000).filter(|_| dice.percent(30)).count();
        assert!((2_700..3_300).contains(&hits), "{hits}");
    }

    #[test]
    fn below_zero_does_not_panic() {
        assert_eq!(Dice::of(&[]).below(0), 0);
    }
}

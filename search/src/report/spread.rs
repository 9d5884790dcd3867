//! Choices common to several sections: colours, and selections from long lists.

/// The colour classes, in the order of use.
pub(super) const COLOURS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// At most `most` indices of a list of this length, evenly spread.
pub(super) fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(most);
    (0..shown).map(move |index| index * count / shown)
}

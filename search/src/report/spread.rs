//! What several sections choose alike: colours, and some of many.

/// The classes of colours, in the order in which they are taken.
pub(super) const COLOURS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// At most `most` of a list's places, evenly spread.
pub(super) fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(most);
    (0..shown).map(move |index| index * count / shown)
}

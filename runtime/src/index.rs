//! Array indices computed with wrapping arithmetic, so that builds with overflow checks link no
//! panic. Indices of arrays in memory never wrap. Each access has its own bounds check, or was
//! checked beforehand.

/// Returns `start + count * step`, modulo 2^64 (2^32 on processors of 32 bits).
#[inline(always)]
pub(crate) const fn along(start: usize, count: usize, step: usize) -> usize {
    start.wrapping_add(count.wrapping_mul(step))
}

/// Counts an iterator's items from 0, like [`Iterator::enumerate`], but without an overflow check.
#[inline(always)]
pub(crate) fn numbered<I: IntoIterator>(iterator: I) -> Numbered<I::IntoIter> {
    Numbered {
        iterator: iterator.into_iter(),
        count: 0,
    }
}

/// See [`numbered`].
pub(crate) struct Numbered<I> {
    iterator: I,
    count: usize,
}

impl<I: Iterator> Iterator for Numbered<I> {
    type Item = (usize, I::Item);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let item = self.iterator.next()?;
        let number = self.count;
        self.count = number.wrapping_add(1);
        Some((number, item))
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iterator.size_hint()
    }
}

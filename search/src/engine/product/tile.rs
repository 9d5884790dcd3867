//! A product, and its division into tiles that fit the registers.

/// Columns of a panel.
pub(in crate::engine) const LANES: usize = 16;

/// The left matrix: element (m, k) is `data[m * row + k / 16 * block + k % 16 * step]`.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Left<'a> {
    /// The numbers.
    pub(in crate::engine) data: &'a [f32],
    /// Distance of neighbouring rows.
    pub(in crate::engine) row: usize,
    /// Distance of neighbouring terms; it or `row` is 1.
    pub(in crate::engine) step: usize,
    /// Distance of every sixteenth term.
    pub(in crate::engine) block: usize,
}

/// The right matrix: element (k, n) is `data[n / 16 * panel + k * 16 + n % 16]`.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Right<'a> {
    /// The numbers.
    pub(in crate::engine) data: &'a [f32],
    /// Distance of neighbouring panels.
    pub(in crate::engine) panel: usize,
}

/// What the sums start from.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum Start<'a> {
    /// Zero.
    Zero,
    /// A number for each row.
    Rows(&'a [f32]),
    /// The contents of the target.
    Target,
}

/// The sizes of a product.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Sizes {
    /// Rows of left matrix and target.
    pub(in crate::engine) rows: usize,
    /// Terms of a sum.
    pub(in crate::engine) inner: usize,
    /// Columns of right matrix and target, a multiple of eight.
    pub(in crate::engine) columns: usize,
}

/// The target: element (m, n) is `data[m * row + n / 16 * panel + n % 16]`.
#[derive(Debug)]
pub(in crate::engine) struct Target<'a> {
    /// The numbers.
    pub(in crate::engine) data: &'a mut [f32],
    /// Distance of neighbouring rows, at least sixteen unless there is one panel.
    pub(in crate::engine) row: usize,
    /// Distance of neighbouring panels.
    pub(in crate::engine) panel: usize,
}

/// A product, checked against the sizes of its matrices.
#[derive(Debug)]
pub(super) struct Tiles<'a> {
    pub(super) sizes: Sizes,
    pub(super) left: Left<'a>,
    pub(super) right: Right<'a>,
    pub(super) start: Start<'a>,
    /// Whether all rows of a panel are taken before the next panel, or all panels of a tile's rows.
    pub(super) panels_outside: bool,
}

/// A tile of the target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile {
    /// Its first row.
    pub(super) row: usize,
    /// Its rows.
    pub(super) rows: usize,
    /// Its first panel.
    pub(super) panel: usize,
    /// Its panels.
    pub(super) panels: usize,
    /// Columns of its last panel: sixteen or eight.
    pub(super) last: usize,
}

impl Tiles<'_> {
    /// Calls `take` with every tile of at most `rows` by `panels`.
    #[inline(always)]
    pub(super) fn each(&self, rows: usize, panels: usize, mut take: impl FnMut(Tile)) {
        let count = self.sizes.columns.div_ceil(LANES);
        let tile = |row: usize, panel: usize| {
            let panels = panels.min(count - panel);
            let end = self.sizes.columns.min((panel + panels) * LANES);
            Tile {
                row,
                rows: rows.min(self.sizes.rows - row),
                panel,
                panels,
                last: end - (panel + panels - 1) * LANES,
            }
        };
        if self.panels_outside {
            for panel in (0..count).step_by(panels) {
                for row in (0..self.sizes.rows).step_by(rows) {
                    take(tile(row, panel));
                }
            }
        } else {
            for row in (0..self.sizes.rows).step_by(rows) {
                for panel in (0..count).step_by(panels) {
                    take(tile(row, panel));
                }
            }
        }
    }

    /// The place of the first number of a tile's rows in the left matrix.
    #[inline(always)]
    pub(super) fn left_at(&self, tile: Tile) -> usize {
        tile.row * self.left.row
    }

    /// The place of the first number of a tile's columns in the right matrix.
    #[inline(always)]
    pub(super) fn right_at(&self, tile: Tile) -> usize {
        tile.panel * self.right.panel
    }

    /// The place of a tile in the target.
    #[inline(always)]
    pub(super) fn target_at(tile: Tile, target: &Target<'_>) -> usize {
        tile.row * target.row + tile.panel * target.panel
    }
}

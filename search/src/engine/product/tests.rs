//! Products and transposes against plain loops in f64, in every form that the processor has.

use super::*;
use crate::streams::stream;
use rand::Rng;

fn numbers(random: &mut impl Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

#[test]
fn products_are_those_of_plain_loops_in_every_form() {
    let mut random = stream(1, "small products");
    for case in 0..300 {
        let rows: usize = random.random_range(1..30);
        let inner: usize = random.random_range(1..70);
        let columns = 8 * random.random_range(1..11);
        let panels = usize::div_ceil(columns, LANES);
        let (row, step) = match case % 2 {
            0 => (inner.next_multiple_of(8), 1),
            _ => (1, rows.next_multiple_of(8)),
        };
        // Blocks follow each other, or have a gap as those of gradients have.
        let gap = if case % 3 == 0 { 40 * row } else { 0 };
        let block = LANES * step + gap;
        let left_size = rows * row + inner * step + inner / LANES * block + gap;
        let left = numbers(&mut random, left_size);
        let right = numbers(&mut random, panels * inner * LANES);
        let starts = numbers(&mut random, rows);
        // Rows beside panels, or panels beside rows.
        let (target_row, target_panel) = match case % 5 {
            0 => (columns, LANES),
            _ => (LANES, rows * LANES),
        };
        let before = numbers(&mut random, rows * panels * LANES);
        let left = Left {
            data: &left,
            row,
            step,
            block,
        };
        let panel = inner * LANES;
        let right = Right {
            data: &right,
            panel,
        };
        let sizes = Sizes {
            rows,
            inner,
            columns,
        };
        for start in [Start::Zero, Start::Rows(&starts), Start::Target] {
            for form in Instructions::available() {
                let mut data = before.clone();
                let target = Target {
                    data: &mut data,
                    row: target_row,
                    panel: target_panel,
                };
                multiply(form, sizes, left, right, start, target);
                let mut written = vec![false; data.len()];
                for (m, n) in (0..rows).flat_map(|m| (0..columns).map(move |n| (m, n))) {
                    let place = m * target_row + n / LANES * target_panel + n % LANES;
                    written[place] = true;
                    let mut sum = match start {
                        Start::Zero => 0.0,
                        Start::Rows(starts) => f64::from(starts[m]),
                        Start::Target => f64::from(before[place]),
                    };
                    for k in 0..inner {
                        let factor = left.data[m * row + k / LANES * block + k % LANES * step];
                        let number = right.data[n / LANES * panel + k * LANES + n % LANES];
                        sum += f64::from(factor) * f64::from(number);
                    }
                    // Rounding of sums of fewer than 70 products below 1.
                    let error = (f64::from(data[place]) - sum).abs();
                    assert!(error < 2e-5, "{form:?}, case {case}: {error}");
                }
                for (place, written) in written.into_iter().enumerate() {
                    assert!(
                        written || data[place] == before[place],
                        "{form:?}, case {case}: {place} is no place of the product"
                    );
                }
            }
        }
    }
}

#[test]
fn a_block_is_transposed_in_every_form() {
    let mut random = stream(1, "blocks");
    for (source_row, target_row) in [(16, 16), (24, 16), (16, 40)] {
        let source = numbers(&mut random, 16 * source_row);
        for form in Instructions::available() {
            let mut target = vec![0.0; 16 * target_row];
            turn(form, &source, source_row, &mut target, target_row);
            for (i, j) in (0..LANES).flat_map(|i| (0..LANES).map(move |j| (i, j))) {
                assert_eq!(target[j * target_row + i], source[i * source_row + j]);
            }
        }
    }
}

#[test]
#[should_panic(expected = "the right matrix is too small")]
fn a_matrix_without_its_numbers_is_refused() {
    let left = Left {
        data: &[0.0; 64],
        row: 8,
        step: 1,
        block: LANES,
    };
    let right = Right {
        data: &[0.0; 127],
        panel: 128,
    };
    let mut data = [0.0; 64];
    let target = Target {
        data: &mut data,
        row: LANES,
        panel: 0,
    };
    let sizes = Sizes {
        rows: 4,
        inner: 8,
        columns: 16,
    };
    multiply(
        Instructions::Portable,
        sizes,
        left,
        right,
        Start::Zero,
        target,
    );
}

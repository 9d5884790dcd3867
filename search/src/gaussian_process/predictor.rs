//! Stacked processes without what only their fit needs, and their arrays in a file.
//!
//! | array | type | shape |
//! |---|---|---|
//! | `points` | f32 | `[rows][inputs]`, encoded |
//! | `basis` | f32 | `[directions][outputs]` |
//! | `box` | f64 | `[2][inputs]`, lower and upper corner |
//! | `weights` | f64 | `[families]` or `[outputs][families]` |
//! | `FAMILY/GROUP/parameters` | f64 | logarithms and least noise |
//! | `FAMILY/GROUP/solved` | f64 | `[directions of the group][rows]` |

use super::covariance::{Bounds, Points};
use super::family::{Family, Parameters};
use super::prediction::{Frame, Group, predict};
use crate::arrays::{ArraysIn, ArraysOut};
use crate::error::{Result, ensure};
use crate::stack::Weights;
use faer::Mat;
use serde::{Deserialize, Serialize};

/// Stacked processes that predict, those without a weight left out.
#[derive(Debug, Clone)]
pub struct Predictor {
    pub(super) frame: Frame,
    pub(super) points: Points,
    /// The groups of each family.
    pub(super) families: Vec<Vec<Group>>,
    pub(super) weights: Weights,
}

/// The sizes of the arrays in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictorSizes {
    inputs: usize,
    outputs: usize,
    rows: usize,
    directions: usize,
    families: Vec<FamilySizes>,
}

/// A family, and the number of directions of each of its groups.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilySizes {
    family: Family,
    groups: Vec<usize>,
}

impl Predictor {
    /// Returns the number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.frame.inputs
    }

    /// Returns the number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.frame.outputs
    }

    /// Predicts the outputs at these inputs.
    ///
    /// *Shapes*: `x: [rows][inputs]`, encoded; result `[rows][outputs]`.
    #[must_use]
    pub fn predict(&self, x: &[f32]) -> Vec<f32> {
        let by_family = self.families.iter();
        let found = by_family.map(|groups| predict(&self.frame, &self.points, groups, x));
        let found: Vec<Vec<f32>> = found.collect();
        let slices: Vec<&[f32]> = found.iter().map(Vec::as_slice).collect();
        self.weights.combine(&slices, self.frame.outputs)
    }

    /// Adds the arrays to a file, with names that begin with `prefix`.
    pub(crate) fn save(&self, prefix: &str, arrays: &mut ArraysOut) -> PredictorSizes {
        let Frame {
            inputs,
            outputs,
            basis,
            bounds,
        } = &self.frame;
        let (rows, directions) = (self.points.count(), basis.len());
        let name = |what: &str| format!("{prefix}/{what}");
        arrays.add(name("points"), &[rows, *inputs], self.points.encoded());
        let all = basis.iter().flatten().copied();
        arrays.add(name("basis"), &[directions, *outputs], all);
        if let Some(Bounds { low, high }) = bounds {
            let corners = low.iter().chain(high).copied();
            arrays.add(name("box"), &[2, *inputs], corners);
        }
        self.weights.save(&name("weights"), arrays);
        let mut families = Vec::new();
        for (f, groups) in self.families.iter().enumerate() {
            for (g, group) in groups.iter().enumerate() {
                let Parameters {
                    logarithms,
                    least_noise,
                    ..
                } = &group.parameters;
                let numbers = logarithms.iter().chain([least_noise]).copied();
                let shape = [logarithms.len() + 1];
                arrays.add(name(&format!("{f}/{g}/parameters")), &shape, numbers);
                let columns = 0..group.weights.ncols();
                let solved = columns.flat_map(|k| group.weights.col_as_slice(k).iter().copied());
                let shape = [group.weights.ncols(), rows];
                arrays.add(name(&format!("{f}/{g}/solved")), &shape, solved);
            }
            families.extend(groups.first().map(|first| FamilySizes {
                family: first.parameters.family,
                groups: groups.iter().map(|group| group.weights.ncols()).collect(),
            }));
        }
        PredictorSizes {
            inputs: *inputs,
            outputs: *outputs,
            rows,
            directions,
            families,
        }
    }

    /// Reads what [`Predictor::save`] has added.
    ///
    /// # Errors
    /// The arrays do not have these sizes.
    pub(crate) fn load(
        prefix: &str,
        sizes: &PredictorSizes,
        arrays: &ArraysIn<'_>,
    ) -> Result<Self> {
        let &PredictorSizes {
            inputs,
            outputs,
            rows,
            directions,
            ..
        } = sizes;
        let name = |what: &str| format!("{prefix}/{what}");
        let is_whole = |one: &FamilySizes| one.groups.iter().sum::<usize>() == directions;
        ensure!(
            Run,
            inputs > 0 && outputs > 0 && rows > 0 && sizes.families.iter().all(is_whole),
            "damaged: {prefix} has no rows, or groups that are not all directions"
        );
        let corners: Vec<f64> = arrays.take(&name("box"), &[2, inputs])?;
        let (low, high) = corners.split_at(inputs);
        let bounds = Bounds {
            low: low.to_vec(),
            high: high.to_vec(),
        };
        let points: Vec<f32> = arrays.take(&name("points"), &[rows, inputs])?;
        let basis: Vec<f32> = arrays.take(&name("basis"), &[directions, outputs])?;
        let count = sizes.families.len();
        let weights = Weights::load(&name("weights"), (count, outputs), arrays)?;
        let mut families = Vec::new();
        for (f, FamilySizes { family, groups }) in sizes.families.iter().enumerate() {
            let mut first = 0;
            let mut all = Vec::new();
            for (g, &columns) in groups.iter().enumerate() {
                let count = Parameters::count(*family, inputs);
                let parameters = name(&format!("{f}/{g}/parameters"));
                let mut logarithms: Vec<f64> = arrays.take(&parameters, &[count + 1])?;
                let least_noise = logarithms.pop().unwrap_or_default();
                let solved: Vec<f64> =
                    arrays.take(&name(&format!("{f}/{g}/solved")), &[columns, rows])?;
                all.push(Group {
                    parameters: Parameters {
                        family: *family,
                        logarithms,
                        least_noise,
                    },
                    weights: Mat::from_fn(rows, columns, |r, k| solved[k * rows + r]),
                    first,
                });
                first += columns;
            }
            families.push(all);
        }
        Ok(Self {
            points: Points::new(&points, inputs, Some(&bounds)),
            frame: Frame {
                inputs,
                outputs,
                basis: basis.chunks_exact(outputs).map(<[f32]>::to_vec).collect(),
                bounds: Some(bounds),
            },
            families,
            weights,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaussian_process::{Look, Work};
    use crate::streams::{stream, uniform};

    const SIDES: ([f32; 2], [f32; 2]) = ([-1.0; 2], [1.0; 2]);

    /// Two inputs in a box, and a curve of `outputs` points with a feature that moves.
    fn rows(count: usize, outputs: usize, name: &str) -> (Vec<f32>, Vec<f32>) {
        let mut random = stream(31, name);
        let mut draw = || (2.0 * uniform(&mut random) - 1.0) as f32;
        let x: Vec<f32> = (0..2 * count).map(|_| draw()).collect();
        let y = x.chunks_exact(2).flat_map(|x| {
            let point = |k: usize| (x[0] + 0.1 * k as f32 * x[1]).sin() + 0.3 * x[1].abs();
            (0..outputs).map(point).collect::<Vec<_>>()
        });
        (x.clone(), y.collect())
    }

    #[test]
    fn predictions_of_a_file_have_the_bits_of_the_fit() {
        // Each output with its own process, and principal components.
        for outputs in [3, 40] {
            let (x, y) = rows(70, outputs, "rows");
            let look = Look::new(&x, &y, outputs, (&SIDES.0, &SIDES.1)).unwrap();
            let work = Work {
                rows: 60,
                ..Work::LADDER[6]
            };
            let processes = look.fit_with(6, work).unwrap();
            let mut arrays = ArraysOut::default();
            let sizes = processes.predictor().save("p", &mut arrays);
            let bytes = arrays.to_bytes(1, &sizes).unwrap();
            let (sizes, arrays) = ArraysIn::read::<PredictorSizes>(&bytes, 1).unwrap();
            let found = Predictor::load("p", &sizes, &arrays).unwrap();
            assert_eq!((found.inputs(), found.outputs()), (2, outputs));
            let (asked, _) = rows(300, outputs, "asked");
            assert_eq!(found.predict(&asked), processes.predict(&asked));
            let wrong = PredictorSizes { rows: 59, ..sizes };
            let refused = Predictor::load("p", &wrong, &arrays).unwrap_err();
            assert!(refused.chain().contains("p/points"), "{refused}");
        }
    }
}

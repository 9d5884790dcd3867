//! Processes of several families and their stack: the teacher of networks.
//!
//! 1. A look: each family with parameters that all directions of the outputs share, found from few
//!    rows and judged by leaving out each of more rows. It costs a second or two of any data.
//! 2. Whole fits of the families whose error in the look is within [`WITHIN`] times the best one's:
//!    each output has parameters of its own, or each of the first principal components, and the
//!    others share a set. Then predictions without each row follow in closed form.
//! 3. The [`Stack`] of these.

use super::covariance::Bounds;
use super::directions::{DIRECT, add, basis, problem, square};
use super::family::{Family, Parameters};
use super::likelihood::{Problem, Solved, folds, least, spread};
use super::prediction::{Frame, Group, predict};
use super::predictor::Predictor;
use super::work::Work;
use crate::stack::Stack;
use rayon::prelude::*;

/// A search for the likeliest parameters ends where an iteration lowers the negative logarithm of
/// the likelihood of a column by less.
const GAIN: f64 = 1e-3;
/// Maximum number of principal components.
const COMPONENTS: usize = 40;
/// The look's parameters are those of the first principal components, this number at most,
const LEADING: usize = 6;
/// and no more than are needed for all but this share of their variance.
const REST: f64 = 0.01;
/// Maximum number of families in the stack: predictions take time for each.
const MEMBERS: usize = 3;
/// A family of less weight leaves the stack.
const LEAST_WEIGHT: f64 = 0.05;
/// Families whose error in the look exceeds the smallest one by this factor are not fitted.
const WITHIN: f64 = 3.0;

/// A look at all families.
#[derive(Debug, Clone)]
pub struct Look {
    frame: Frame,
    problem: Problem,
    y: Vec<f32>,
    /// The mean over rows and outputs of what no direction holds, squared.
    rest: f64,
    /// By error.
    found: Vec<Found>,
}

/// What the look says of a family.
#[derive(Debug, Clone)]
struct Found {
    parameters: Parameters,
    error: f64,
}

impl Look {
    /// Looks at all families on these rows; `None` if no family can be fitted.
    ///
    /// *Shapes*: `x: [rows][inputs]`, centred and of unit variance; `y: [rows][outputs]`, each
    /// output of mean zero; `low` and `high`: `[inputs]`, the box in the units of `x`.
    #[must_use]
    pub fn new(
        x: &[f32],
        y: &[f32],
        outputs: usize,
        (low, high): (&[f32], &[f32]),
    ) -> Option<Self> {
        let inputs = low.len();
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect();
        let bounds = Bounds {
            low: wide(low),
            high: wide(high),
        };
        let basis = basis(y, outputs, COMPONENTS);
        let problem = problem(x, inputs, y, &basis, Some(&bounds));
        if problem.rows() < 2 || basis.is_empty() {
            return None;
        }
        let mut look = Self {
            frame: Frame {
                inputs,
                outputs,
                basis,
                bounds: Some(bounds),
            },
            problem,
            y: y.to_vec(),
            rest: 0.0,
            found: Vec::new(),
        };
        let all = y.iter().map(|y| f64::from(*y).powi(2)).sum::<f64>() / y.len() as f64;
        look.rest = (all - look.mean_square(|r, k| look.problem.y[(r, k)])).max(0.0);
        let directions = look.frame.basis.len();
        let part = |rows, directions| {
            let rows = spread(look.problem.rows(), rows);
            look.problem.part(&rows, 0..directions)
        };
        let few = part(Work::LOOK.likelihood_rows, leading(&look.frame));
        let more = part(Work::LOOK.rows, directions);
        let found = Family::ALL.into_par_iter().filter_map(|family| {
            let start = Parameters::start(family, inputs);
            let (_, parameters) = few.likeliest(start, Work::LOOK.iterations, GAIN);
            let mut solved = more.solve(&parameters, true)?;
            shrink(&more, &mut solved, 0);
            let error = look.error(&more, &solved);
            error.is_finite().then_some(Found { parameters, error })
        });
        let mut found: Vec<Found> = found.collect();
        found.sort_by(|left, right| left.error.total_cmp(&right.error));
        look.found = found;
        (!look.found.is_empty()).then_some(look)
    }

    /// Returns the families with their mean squared errors without each row, the best first.
    pub fn families(&self) -> impl Iterator<Item = (Family, f64)> {
        self.found
            .iter()
            .map(|found| (found.parameters.family, found.error))
    }

    /// Returns the families of a whole fit within this number of seconds of one thread, the effort
    /// on them and the estimated seconds. The best family is fitted in any case.
    #[must_use]
    pub fn plan(&self, seconds: f64) -> (usize, Work, f64) {
        let least = self.found.first().map_or(0.0, |found| found.error);
        let good = |found: &&Found| found.error <= WITHIN * least;
        let most = self.found.iter().take_while(good).count().max(1);
        let choices = Work::choices(self.problem.rows());
        // Rather fewer families than little effort on all.
        let mut last = (1, Work::LOOK, f64::INFINITY);
        for is_little in [false, true] {
            let few = MEMBERS.min(most);
            let families = if is_little { 1..=few } else { few..=most };
            for families in families.rev() {
                for &work in choices.iter().filter(|work| work.is_little() == is_little) {
                    last = (families, work, self.seconds(families, work));
                    if last.2 <= seconds {
                        return last;
                    }
                }
            }
        }
        last
    }

    /// Returns the estimated seconds of one thread for a whole fit of the best `families`.
    fn seconds(&self, families: usize, work: Work) -> f64 {
        let groups = self.groups(work);
        let (rows, inputs) = (self.problem.rows(), self.frame.inputs);
        let found = self.found.iter().take(families);
        found
            .map(|found| work.seconds(found.parameters.family, rows, inputs, &groups))
            .sum()
    }

    fn groups(&self, work: Work) -> Vec<usize> {
        work.groups(self.frame.basis.len(), self.frame.outputs <= DIRECT)
    }

    /// Returns the mean over rows and outputs of the squared norm of these coefficients.
    fn mean_square(&self, coefficient: impl Fn(usize, usize) -> f64) -> f64 {
        mean_square(&self.frame, self.problem.rows(), coefficient)
    }

    fn error(&self, problem: &Problem, solved: &Solved) -> f64 {
        let apart = |r, k| problem.y[(r, k)] - solved.left_out[(r, k)];
        mean_square(&self.frame, problem.rows(), apart) + self.rest
    }

    /// Returns the whole fits within about this number of seconds of one thread and their stack.
    #[must_use]
    pub fn fit(&self, seconds: f64) -> Option<Processes> {
        let (families, work, _) = self.plan(seconds);
        self.fit_with(families, work)
    }

    /// Returns the whole fits of the best `families` with this effort, and their stack; `None` if
    /// none can be factorised.
    #[must_use]
    pub fn fit_with(&self, families: usize, work: Work) -> Option<Processes> {
        let directions = self.frame.basis.len();
        let rows = spread(self.problem.rows(), work.rows);
        let some = self.problem.part(&rows, 0..directions);
        let groups = self.groups(work);
        let found = &self.found[..families.min(self.found.len())];
        let few = spread(some.rows(), work.likelihood_rows);
        let fold_of = folds(some.rows(), work.folds);
        let mut tasks = Vec::new();
        for found in found {
            let mut first = 0;
            for &count in &groups {
                let columns = first..first + count;
                let fold = |fold| (found, columns.clone(), fold);
                tasks
                    .extend(std::iter::once(fold(None)).chain((0..work.folds).map(Some).map(fold)));
                first += count;
            }
        }
        let fitted = tasks.into_par_iter().map(|(found, columns, fold)| {
            let is_other = |row: &usize| fold.is_none_or(|fold| fold_of[*row] != fold);
            let others: Vec<usize> = few.iter().copied().filter(is_other).collect();
            let part = some.part(&others, columns.clone());
            let mut starts = vec![found.parameters.clone()];
            if fold.is_some() {
                // The look has seen all rows: the folds have a start beside it that has not.
                starts.push(Parameters::start(
                    found.parameters.family,
                    self.frame.inputs,
                ));
            }
            let ends = starts
                .into_iter()
                .map(|start| part.likeliest(start, work.iterations, GAIN));
            let parameters = least(ends)?;
            let all: Vec<usize> = (0..some.rows()).collect();
            let solved = some.part(&all, columns.clone()).solve(&parameters, true)?;
            Some(Fitted {
                parameters,
                solved,
                first: columns.start,
            })
        });
        let fitted: Vec<Option<Fitted>> = fitted.collect();
        let mut members = Vec::new();
        for fitted in fitted.chunks(groups.len() * (1 + work.folds)) {
            let groups = fitted
                .chunks(1 + work.folds)
                .map(|fitted| merged(&some, fitted, &fold_of));
            if let Some(groups) = groups.collect::<Option<Vec<_>>>() {
                members.push(self.member(&some, &rows, groups));
            }
        }
        self.stacked(some, members)
    }

    /// Returns the stack of at most [`MEMBERS`] of these, the others left out one by one.
    fn stacked(&self, problem: Problem, mut members: Vec<Member>) -> Option<Processes> {
        loop {
            let left_out: Vec<&[f32]> = members.iter().map(|m| m.left_out.as_slice()).collect();
            let stack = Stack::fit(&left_out, &self.y, self.frame.outputs)?;
            let weights = (0..members.len()).map(|k| (k, stack.weight(k)));
            let least = weights.min_by(|left, right| left.1.total_cmp(&right.1));
            match least {
                Some((k, weight)) if weight < LEAST_WEIGHT || members.len() > MEMBERS => {
                    members.remove(k);
                }
                _ => {
                    return Some(Processes {
                        frame: self.frame.clone(),
                        problem,
                        members,
                        stack,
                    });
                }
            }
        }
    }

    /// Returns a fitted family.
    fn member(&self, some: &Problem, rows: &[usize], fitted: Vec<Fitted>) -> Member {
        let family = fitted[0].parameters.family;
        let outputs = self.frame.outputs;
        let groups: Vec<Group> = fitted
            .iter()
            .map(|fitted| Group {
                parameters: fitted.parameters.clone(),
                weights: fitted.solved.weights.clone(),
                first: fitted.first,
            })
            .collect();
        let mut left_out = vec![0.0f32; self.y.len()];
        if rows.len() < self.problem.rows() {
            // Rows that take no part are predicted as any others.
            let x = self.problem.points.encoded();
            left_out = predict(&self.frame, &some.points, &groups, &x);
        }
        for (place, &row) in rows.iter().enumerate() {
            let y = &mut left_out[row * outputs..][..outputs];
            y.fill(0.0);
            let coefficients = fitted.iter().flat_map(|Fitted { solved, .. }| {
                (0..solved.left_out.ncols()).map(move |k| solved.left_out[(place, k)])
            });
            add(y, coefficients, &self.frame.basis);
        }
        let pairs = left_out.iter().zip(&self.y);
        let squares = pairs.map(|(found, y)| f64::from(found - y).powi(2));
        Member {
            family,
            groups,
            error: squares.sum::<f64>() / self.y.len() as f64,
            left_out,
        }
    }
}

/// The process of a group of directions.
#[derive(Debug, Clone)]
struct Fitted {
    parameters: Parameters,
    solved: Solved,
    first: usize,
}

/// Returns the process with the parameters from all rows, the first of `fitted`, which says of each
/// row without it what that with the parameters from the other folds says.
fn merged(problem: &Problem, fitted: &[Option<Fitted>], fold_of: &[usize]) -> Option<Fitted> {
    let mut all = fitted.first()?.clone()?;
    let columns = all.solved.left_out.ncols();
    let with_folds = fold_of.iter().enumerate().filter(|_| fitted.len() > 1);
    for (r, &fold) in with_folds {
        let fold = fitted[1 + fold].as_ref()?;
        for c in 0..columns {
            all.solved.left_out[(r, c)] = fold.solved.left_out[(r, c)];
        }
    }
    if columns > 1 {
        shrink(problem, &mut all.solved, all.first);
    }
    Some(all)
}

/// Returns the number of the directions that the look's parameters are for.
fn leading(frame: &Frame) -> usize {
    if frame.outputs <= DIRECT {
        return frame.basis.len();
    }
    let squares: Vec<f64> = frame.basis.iter().map(|basis| square(basis)).collect();
    let all: f64 = squares.iter().sum();
    let mut rest = all;
    let needed = squares.iter().take_while(|&&square| {
        let is_needed = rest > REST * all;
        rest -= square;
        is_needed
    });
    needed.count().clamp(1, LEADING)
}

/// Returns the mean over rows and outputs of the squared norm of coefficients of the directions.
fn mean_square(frame: &Frame, rows: usize, coefficient: impl Fn(usize, usize) -> f64) -> f64 {
    let directions = frame.basis.iter().enumerate();
    let sums = directions.map(|(k, basis)| {
        square(basis) * (0..rows).map(|r| coefficient(r, k).powi(2)).sum::<f64>()
    });
    sums.sum::<f64>() / (rows * frame.outputs) as f64
}

/// Scales each direction of a group by the factor, at most one, with which its predictions without
/// each row err least: directions that share a noise may hold less signal than others.
fn shrink(problem: &Problem, solved: &mut Solved, first: usize) {
    for k in 0..solved.left_out.ncols() {
        let (mut along, mut length) = (0.0, f64::MIN_POSITIVE);
        for (r, found) in solved.left_out.col_as_slice(k).iter().enumerate() {
            along += found * problem.y[(r, first + k)];
            length += found * found;
        }
        let factor = (along / length).clamp(0.0, 1.0);
        for matrix in [&mut solved.left_out, &mut solved.weights] {
            for value in matrix.col_as_slice_mut(k) {
                *value *= factor;
            }
        }
    }
}

/// The fitted processes of several families, and their stack.
#[derive(Debug, Clone)]
pub struct Processes {
    frame: Frame,
    problem: Problem,
    members: Vec<Member>,
    stack: Stack,
}

/// A fitted family.
#[derive(Debug, Clone)]
struct Member {
    family: Family,
    groups: Vec<Group>,
    left_out: Vec<f32>,
    error: f64,
}

/// What a report says of a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The family.
    pub family: Family,
    /// Its mean squared error over rows and outputs, each row predicted without it.
    pub error: f64,
    /// Its weight in the stack, the mean over outputs.
    pub weight: f64,
}

impl Processes {
    /// Fits processes to these rows within about `seconds` of one thread beside the look; `None` if
    /// no family can be fitted. The time is an estimate from the sizes, no clock is read.
    ///
    /// *Shapes*: those of [`Look::new`].
    #[must_use]
    pub fn fit(
        x: &[f32],
        y: &[f32],
        outputs: usize,
        bounds: (&[f32], &[f32]),
        seconds: f64,
    ) -> Option<Self> {
        Look::new(x, y, outputs, bounds)?.fit(seconds)
    }

    /// Returns the families with their errors and weights.
    pub fn families(&self) -> impl Iterator<Item = Judged> {
        self.members.iter().enumerate().map(|(k, member)| Judged {
            family: member.family,
            error: member.error,
            weight: self.stack.weight(k),
        })
    }

    /// Returns what a family says of each row without it, `[rows][outputs]`, in the order of
    /// [`Self::families`].
    #[must_use]
    pub fn left_out_by(&self, family: usize) -> &[f32] {
        &self.members[family].left_out
    }

    /// Returns what the stack says of each row without it, `[rows][outputs]`.
    #[must_use]
    pub fn left_out(&self) -> &[f32] {
        self.stack.left_out()
    }

    /// Returns the stack's mean squared error over rows and outputs, each predicted without it and
    /// with weights from other rows.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.stack.error()
    }

    /// Returns the stack.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Predicts the outputs at these inputs.
    ///
    /// *Shapes*: `x: [rows][inputs]`; result `[rows][outputs]`.
    #[must_use]
    pub fn predict(&self, x: &[f32]) -> Vec<f32> {
        let found: Vec<Vec<f32>> = (0..self.members.len())
            .map(|k| match self.stack.weight(k) > 0.0 {
                true => self.predict_by(k, x),
                false => Vec::new(),
            })
            .collect();
        let slices: Vec<&[f32]> = found.iter().map(Vec::as_slice).collect();
        self.stack.combine(&slices, self.frame.outputs)
    }

    /// Returns what predicts the outputs to the same bits, without what only the fit needs.
    #[must_use]
    pub fn predictor(&self) -> Predictor {
        let (used, weights) = self.stack.weights().used();
        let groups = used.iter().map(|&k| self.members[k].groups.clone());
        Predictor {
            frame: self.frame.clone(),
            points: self.problem.points.clone(),
            families: groups.collect(),
            weights,
        }
    }

    /// Predicts the outputs by one family, in the order of [`Self::families`].
    #[must_use]
    pub fn predict_by(&self, family: usize, x: &[f32]) -> Vec<f32> {
        let groups = &self.members[family].groups;
        predict(&self.frame, &self.problem.points, groups, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{stream, uniform};

    const SIDES: ([f32; 3], [f32; 3]) = ([-1.5; 3], [1.5; 3]);

    /// Three inputs in a box and curves of `outputs` points, of about unit variance.
    fn curves(rows: usize, outputs: usize, name: &str) -> (Vec<f32>, Vec<f32>) {
        let mut random = stream(6, name);
        let x: Vec<f32> = (0..3 * rows)
            .map(|_| (3.0 * uniform(&mut random) - 1.5) as f32)
            .collect();
        let y = x.chunks_exact(3).flat_map(|x| {
            let point = |k: usize| (x[0] + 0.05 * k as f32).sin() + x[1] * x[2] * 0.5;
            (0..outputs).map(point).collect::<Vec<_>>()
        });
        (x.clone(), y.collect())
    }

    fn look(rows: usize, outputs: usize) -> Look {
        let (x, y) = curves(rows, outputs, "rows");
        Look::new(&x, &y, outputs, (&SIDES.0, &SIDES.1)).unwrap()
    }

    fn error(found: &[f32], y: &[f32]) -> f64 {
        let squares = found.iter().zip(y).map(|(a, b)| f64::from(a - b).powi(2));
        squares.sum::<f64>() / y.len() as f64
    }

    #[test]
    fn the_stack_predicts_fresh_rows_as_well_as_it_says() {
        for outputs in [2, 40] {
            let processes = look(100, outputs).fit(1.0).unwrap();
            let (x, y) = curves(500, outputs, "fresh");
            let fresh = error(&processes.predict(&x), &y);
            let stated = processes.error();
            assert!(fresh < 1e-7, "{outputs}: {fresh:e}");
            assert!(
                (0.2..5.0).contains(&(fresh / stated)),
                "{fresh:e}, not {stated:e}"
            );
            let (_, y) = curves(100, outputs, "rows");
            let rows = error(processes.left_out(), &y);
            assert!(
                (rows / stated - 1.0).abs() < 0.01,
                "{rows:e}, not {stated:e}"
            );
            let weights: f64 = processes.families().map(|judged| judged.weight).sum();
            assert!((weights - 1.0).abs() < 1e-9);
            for (k, judged) in processes.families().enumerate() {
                let found = error(processes.left_out_by(k), &y);
                assert!((found / judged.error - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn rows_beyond_the_most_are_predicted_and_judged_like_fresh_ones() {
        let work = Work {
            rows: 60,
            ..Work::LADDER[6]
        };
        let processes = look(150, 2).fit_with(1, work).unwrap();
        let (x, y) = curves(150, 2, "rows");
        let found = processes.predict_by(0, &x);
        let used = spread(150, 60);
        for row in (0..150).filter(|row| !used.contains(row)) {
            let left_out = &processes.left_out_by(0)[2 * row..][..2];
            assert_eq!(left_out, &found[2 * row..][..2]);
        }
        let (judged, seen) = (processes.error(), error(&found, &y));
        assert!(judged < 1e-5 && judged > seen, "{judged:e}, {seen:e}");
    }

    #[test]
    fn a_plan_keeps_within_its_seconds_and_spends_more_where_there_are_more() {
        let look = look(300, 12);
        let (_, _, least) = look.plan(0.0);
        let mut before = 0.0;
        for seconds in [0.5, 5.0, 50.0] {
            let (families, _, needed) = look.plan(seconds);
            assert!((1..=Family::ALL.len()).contains(&families));
            assert!(needed <= seconds.max(least), "{needed}, {seconds}");
            assert!(needed >= before);
            before = needed;
        }
    }

    #[test]
    fn one_and_two_threads_give_the_same_bits() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let processes = look(60, 30).fit(0.5).unwrap();
                let (x, _) = curves(200, 30, "asked");
                (processes.predict(&x), processes.left_out().to_vec())
            })
        };
        assert_eq!(on(1), on(2));
    }

    #[test]
    fn a_single_row_has_no_process() {
        let found = Look::new(&[0.0; 3], &[0.0], 1, (&SIDES.0, &SIDES.1));
        assert!(found.is_none());
    }
}

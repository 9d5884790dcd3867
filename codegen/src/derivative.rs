//! Derivatives of an emulator's mean with respect to its inputs, in double precision.

use crate::emulator::Emulator;
use crate::graph::{Dual, Real};
use crate::interpreter::values_from;

/// The Jacobian of the members' mean, in the outputs' unit over the inputs'.
///
/// *Shapes*: `x: [IN]`, raw inputs; result: `[OUT][IN]`, row-major. *Accuracy*: that of double
/// precision. The guard is not applied: outside the trained box these are derivatives of an
/// extrapolation. At a kink of a piecewise operation (a ReLU at zero), it is the derivative of the
/// piece that `x` belongs to.
///
/// *Source*: forward-mode automatic differentiation with [`Dual`] numbers, one pass for each input.
///
/// # Panics
/// `x` does not have one value for each input.
#[must_use]
pub fn jacobian(emulator: &Emulator, x: &[f64]) -> Vec<f64> {
    assert_eq!(x.len(), emulator.input_count(), "one value for each input");
    let (inputs, outputs) = (x.len(), emulator.output_count());
    let members = emulator.members();
    let mut jacobian = vec![0.0; outputs * inputs];
    for input in 0..inputs {
        let seeded = x.iter().enumerate().map(|(index, &value)| Dual {
            value,
            slope: f64::from(u8::from(index == input)),
        });
        let values = values_from(emulator.graph(), seeded.collect());
        for output in 0..outputs {
            let of_member = |member: &crate::graph::NodeId| values[member.index()][output];
            let sum = members.iter().map(of_member).reduce(Real::add);
            let slope = sum.map_or(0.0, |sum| sum.slope);
            jacobian[output * inputs + input] = slope / members.len() as f64;
        }
    }
    jacobian
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    /// The mean in double precision at inputs in double precision.
    fn mean(emulator: &Emulator, x: &[f64]) -> Vec<f64> {
        let values = values_from(emulator.graph(), x.to_vec());
        let members = emulator.members();
        let of = |output: usize| {
            let values = members.iter().map(|member| values[member.index()][output]);
            values.sum::<f64>() / members.len() as f64
        };
        (0..emulator.output_count()).map(of).collect()
    }

    #[test]
    fn derivatives_are_what_differences_tend_to() {
        const STEP: f64 = 1e-6;
        let (mut compared, mut left_out) = (0, 0);
        let emulators = (0..6).map(testing::emulator);
        for emulator in emulators.chain((0..60).map(testing::random_structure)) {
            for row in testing::rows(2, 7).chunks(3) {
                let x: Vec<_> = row.iter().map(|&x| f64::from(x)).collect();
                let jacobian = jacobian(&emulator, &x);
                for input in 0..3 {
                    let at = |step: f64| {
                        let mut x = x.clone();
                        x[input] += step;
                        mean(&emulator, &x)
                    };
                    let [below, here, above] = [-STEP, 0.0, STEP].map(at);
                    for (output, &middle) in here.iter().enumerate() {
                        let derivative = jacobian[output * 3 + input];
                        let [left, right] = [middle - below[output], above[output] - middle];
                        let scale = 1.0 + middle.abs() + derivative.abs();
                        // A kink between the three points has no derivative.
                        if (left - right).abs() > 1e-3 * STEP * scale {
                            left_out += 1;
                            continue;
                        }
                        let difference = (left + right) / (2.0 * STEP);
                        let error = (difference - derivative).abs();
                        assert!(error < 1e-3 * scale, "{difference} and {derivative}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 100 * left_out, "{compared} and {left_out}");
    }
}

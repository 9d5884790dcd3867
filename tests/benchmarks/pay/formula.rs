//! Simulators of known formula, of which there are as many fresh rows as one wants.

use dense_search::design::{Method, Parameter, Scale, design};
use dense_search::streams::{stream, uniform};
use std::f64::consts::TAU;

/// A simulator with one output.
pub(crate) struct Formula {
    pub(crate) name: &'static str,
    /// Name, lower and upper limit, and whether the input is logarithmic.
    inputs: &'static [(&'static str, f64, f64, bool)],
    of: fn(&[f64]) -> f64,
}

/// Both formulas.
///
/// `borehole`: the flow of water through a borehole (Harper and Gupta, BMI/ONWI-516, 1983; Morris,
/// Mitchell and Ylvisaker, Technometrics 35, 1993), with the limits of the package uqtestfuns, `r`
/// uniform in its logarithm.
///
/// `ten`: ten inputs in the unit box; a smooth step, waves, a quotient and products, so that no
/// input acts alone.
pub(crate) const FORMULAS: [Formula; 2] = [
    Formula {
        name: "borehole",
        inputs: &[
            ("rw", 0.05, 0.15, false),
            ("r", 100.0, 50_000.0, true),
            ("Tu", 63_070.0, 115_600.0, false),
            ("Hu", 990.0, 1110.0, false),
            ("Tl", 63.1, 116.0, false),
            ("Hl", 700.0, 820.0, false),
            ("L", 1120.0, 1680.0, false),
            ("Kw", 9985.0, 12_045.0, false),
        ],
        of: borehole,
    },
    Formula {
        name: "ten",
        inputs: &[
            ("x0", 0.0, 1.0, false),
            ("x1", 0.0, 1.0, false),
            ("x2", 0.0, 1.0, false),
            ("x3", 0.0, 1.0, false),
            ("x4", 0.0, 1.0, false),
            ("x5", 0.0, 1.0, false),
            ("x6", 0.0, 1.0, false),
            ("x7", 0.0, 1.0, false),
            ("x8", 0.0, 1.0, false),
            ("x9", 0.0, 1.0, false),
        ],
        of: ten,
    },
];

/// The flow in m3/yr: equation 1 of Morris, Mitchell and Ylvisaker.
fn borehole(x: &[f64]) -> f64 {
    let [rw, r, tu, hu, tl, hl, l, kw] = *x else {
        unreachable!("it has eight inputs")
    };
    let turns = (r / rw).ln();
    let resistance = 1.0 + 2.0 * l * tu / (turns * rw * rw * kw) + tu / tl;
    TAU * tu * (hu - hl) / (turns * resistance)
}

/// ln(1 + exp(2 x0 + x1 - 1)) (1 + x2 / 2)^1.5 / (1 + 0.4 x3 x4) + sin(1.5 x5 + x6 x0)
/// + 0.5 x7^2 exp(-x8) + 0.3 x9 x1.
fn ten(x: &[f64]) -> f64 {
    let step = (2.0 * x[0] + x[1] - 1.0).exp().ln_1p();
    step * (1.0 + 0.5 * x[2]).powf(1.5) / (1.0 + 0.4 * x[3] * x[4])
        + (1.5 * x[5] + x[6] * x[0]).sin()
        + 0.5 * x[7] * x[7] * (-x[8]).exp()
        + 0.3 * x[9] * x[1]
}

impl Formula {
    /// Returns the formula of this name, if there is one.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FORMULAS.iter().find(|formula| formula.name == name)
    }

    /// Returns its inputs.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let parameter = |&(name, low, high, is_log): &(&str, f64, f64, bool)| Parameter {
            name: name.to_owned(),
            unit: String::new(),
            low,
            high,
            scale: if is_log { Scale::Log } else { Scale::Linear },
        };
        self.inputs.iter().map(parameter).collect()
    }

    /// Returns inputs `[train + fresh][inputs]` and their outputs: scrambled Sobol points, then
    /// random points of the same box; the draw scrambles and draws.
    pub(crate) fn rows(&self, train: usize, fresh: usize, draw: u64) -> (Vec<f64>, Vec<f64>) {
        let parameters = self.parameters();
        let mut x = design(&parameters, Method::Sobol, train, draw);
        let mut random = stream(draw, &format!("fresh rows of {}", self.name));
        for _ in 0..fresh {
            let point = parameters
                .iter()
                .map(|parameter| parameter.at(uniform(&mut random)));
            x.extend(point);
        }
        let y = x.chunks_exact(parameters.len()).map(self.of).collect();
        (x, y)
    }
}

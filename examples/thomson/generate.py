"""Makes optical Thomson scattering spectra with PlasmaPy, or checks shipped ones.

    python generate.py --rows 1500 --seed 12 -o thomson.npz
    python generate.py --check 20

One row is one call of plasmapy.diagnostics.thomson.spectral_density (PlasmaPy 2025.8.0): five parameters of a plasma in,
its spectrum at 250 wavelengths out. The parameters are scrambled Sobol points over the box in INPUTS.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import astropy.units as u
import numpy as np
from plasmapy.diagnostics import thomson
from scipy.stats import qmc

SIMULATOR = "plasmapy 2025.8.0 plasmapy.diagnostics.thomson.spectral_density"

# Name with unit, lower limit, upper limit, sampled uniformly in the logarithm.
INPUTS = [
    ("n_e_cm3", 5e17, 1.5e19, True),
    ("T_e_eV", 50.0, 800.0, True),
    ("v_drift_e_m_s", -3e6, 3e6, False),
    ("hot_fraction", 0.0, 0.3, False),
    ("hot_T_ratio", 1.5, 6.0, False),
]
NAMES, LOW, HIGH, LOGARITHMIC = (np.array(column) for column in zip(*INPUTS))

PROBE_NM = 532.0
ION_TEMPERATURE_EV = 50.0
# Full width at half maximum of the spectrometer, as the width of exp(-(w / s)^2 / 2).
INSTRUMENT_NM = 4.0 / 2.3548
# The ion feature is far brighter than the electron-plasma wave: spectrometers block it.
GAP_NM = (520.0, 544.0)
GRID_NM = np.linspace(412.0, 652.0, 278)
KEPT = (GRID_NM < GAP_NM[0]) | (GRID_NM > GAP_NM[1])
WAVELENGTH_NM = GRID_NM[KEPT]

PROBE = np.array([1.0, 0.0, 0.0])
SCATTER = np.array([0.0, 1.0, 0.0])
# Direction of the plasma wave that scatters at 90 degrees.
WAVE = (SCATTER - PROBE) / np.linalg.norm(SCATTER - PROBE)

# The largest difference that --check allows, in maxima of the spectrum.
TOLERANCE = 1e-5


def instrument(wavelength):
    """Response of the spectrometer; PlasmaPy divides it by its sum."""
    return np.exp(-((wavelength.to_value(u.nm) / INSTRUMENT_NM) ** 2) / 2)


def spectrum(parameters):
    """Spectral density in fs/rad at WAVELENGTH_NM for one set of the parameters in INPUTS."""
    n_e, t_e, drift, hot_fraction, hot_ratio = (float(value) for value in parameters)
    _, density = thomson.spectral_density(
        GRID_NM * u.nm,
        PROBE_NM * u.nm,
        n_e * u.cm**-3,
        T_e=np.array([t_e, t_e * hot_ratio]) * u.eV,
        T_i=np.array([ION_TEMPERATURE_EV]) * u.eV,
        efract=np.array([1 - hot_fraction, hot_fraction]),
        ions=["C-12 6+"],
        electron_vel=np.outer(np.ones(2), drift * WAVE) * u.m / u.s,
        ion_vel=np.zeros((1, 3)) * u.m / u.s,
        probe_vec=PROBE,
        scatter_vec=SCATTER,
        instr_func=instrument,
    )
    return 1e15 * density.to_value(u.s / u.rad)[KEPT]


def design(rows, seed):
    """Scrambled Sobol points over the box, [rows][5]."""
    points = qmc.Sobol(len(INPUTS), scramble=True, seed=seed).random(rows)
    linear = LOW + points * (HIGH - LOW)
    with np.errstate(invalid="ignore", divide="ignore"):
        exponential = np.exp(np.log(LOW) + points * (np.log(HIGH) - np.log(LOW)))
    return np.where(LOGARITHMIC, exponential, linear)


def parts(rows, seed):
    """70 % train (0), 10 % validation (1) and 20 % test (2) in an order drawn with the seed."""
    split = np.zeros(rows, np.int8)
    split[: rows // 5] = 2
    split[rows // 5 : rows // 5 + rows // 10] = 1
    return np.random.default_rng(seed).permutation(split)


def save(path, x, y, split, sec_per_call, meta):
    """Writes the data set as dense-search reads it; the same values give the same bytes."""
    np.savez_compressed(
        path,
        x=x,
        y=y.astype(np.float32),
        x_names=NAMES,
        x_low=LOW,
        x_high=HIGH,
        x_log=LOGARITHMIC,
        split=split,
        y_layout=np.array("curve"),
        wavelength_nm=WAVELENGTH_NM,
        sec_per_call=np.array(sec_per_call),
        meta=np.array(json.dumps(meta, sort_keys=True)),
    )


def generate(rows, seed, path):
    """Runs the simulator on `rows` points and writes the data set."""
    # Rounded first, so that the stored parameters are exactly those the simulator was given.
    x = design(rows, seed).astype(np.float32)
    y = np.empty((rows, WAVELENGTH_NM.size))
    start = time.process_time()
    for row in range(rows):
        y[row] = spectrum(x[row])
        if sys.stderr.isatty():
            print(f"\r{row + 1} of {rows}", end="", file=sys.stderr)
    meta = {
        "simulator": SIMULATOR,
        "sobol_seed": seed,
        "y_meaning": "spectral density S(k, w) after the spectrometer",
        "y_units": "fs/rad",
    }
    save(path, x, y, parts(rows, seed), (time.process_time() - start) / rows, meta)
    print(f"{path}: {rows} rows")


def check(path, rows):
    """Computes `rows` rows of the file again; returns whether all agree within TOLERANCE."""
    with np.load(path) as data:
        x, y = data["x"], data["y"]
    chosen = np.linspace(0, len(x) - 1, min(rows, len(x))).round().astype(int)
    worst = 0.0
    for row in chosen:
        again = spectrum(x[row])
        worst = max(worst, np.abs(again - y[row]).max() / np.abs(again).max())
    agrees = worst <= TOLERANCE
    print(
        f"{path}: {len(chosen)} rows computed again, largest difference {worst:.1e} of a spectrum's maximum "
        f"({'within' if agrees else 'ABOVE'} {TOLERANCE:.0e})"
    )
    return agrees


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1500, help="simulator calls (default 1500)")
    parser.add_argument("--seed", type=int, default=12, help="of the Sobol points and the parts (default 12)")
    parser.add_argument("-o", "--output", type=Path, default=Path("generated.npz"), help="default generated.npz")
    parser.add_argument("--check", type=int, metavar="N", help="compute N rows of --data again instead")
    parser.add_argument("--data", type=Path, default=here / "../../search/data/thomson.npz", help="what --check reads")
    arguments = parser.parse_args()
    if arguments.check is not None:
        sys.exit(0 if check(arguments.data, arguments.check) else 1)
    generate(arguments.rows, arguments.seed, arguments.output)


if __name__ == "__main__":
    main()

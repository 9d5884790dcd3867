"""Where the polynomial coefficients of src/elementary.rs come from.

Each polynomial is a Chebyshev interpolant of the function's reduced form on its reduced interval, computed with 60
digits and printed in the monomial basis, highest degree last, with its largest relative error before rounding to f32.
Needs mpmath. usage: python coefficients.py
"""
from mpmath import mp, mpf, exp, floor, log, sin, sinh, tanh, cos, pi, sqrt, matrix, lu_solve

mp.dps = 60


def fit(function, low, high, degree):
    """Coefficients of the interpolant at the Chebyshev nodes, and its largest error against `function`."""
    count = degree + 1
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    vandermonde = matrix(count, count)
    for row, node in enumerate(nodes):
        for column in range(count):
            vandermonde[row, column] = node**column
    solution = lu_solve(vandermonde, matrix([function(node) for node in nodes]))
    points = [low + (high - low) * mpf(i) / 2000 for i in range(2001)]
    error = max(abs(sum(c * p**k for k, c in enumerate(solution)) - function(p)) for p in points)
    return list(solution), error


def near_zero(function, series):
    """`function`, with the first terms of its series where it is 0 / 0."""
    return lambda t: function(t) if t > mpf("1e-12") else mpf(series[0]) + mpf(series[1]) * t


half_ln2 = log(2) / 2
cases = [
    # exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2
    ("EXP", lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-15") else mpf(1) / 2, -half_ln2, half_ln2, 4),
    # ln(1 + f) = 2 s + s^3 P(s^2), s = f / (2 + f), f from sqrt(1/2) - 1 to sqrt(2) - 1
    ("LN", near_zero(lambda t: (log((1 + sqrt(t)) / (1 - sqrt(t))) / sqrt(t) - 2) / t, (mpf(2) / 3, mpf(2) / 5)),
     mpf(0), ((sqrt(2) - 1) / (sqrt(2) + 1))**2, 3),
    # tanh(x) = x + x^3 P(x^2), |x| <= 0.625
    ("TANH", near_zero(lambda t: (tanh(sqrt(t)) / sqrt(t) - 1) / t, (-mpf(1) / 3, mpf(2) / 15)), mpf(0), mpf("0.625")**2, 5),
    # sinh(x) = x + x^3 P(x^2), |x| <= 1
    ("SINH", near_zero(lambda t: (sinh(sqrt(t)) / sqrt(t) - 1) / t, (mpf(1) / 6, mpf(1) / 120)), mpf(0), mpf(1), 3),
    # sin(x) = x + x^3 P(x^2), |x| <= pi / 2
    ("SIN", near_zero(lambda t: (sin(sqrt(t)) / sqrt(t) - 1) / t, (-mpf(1) / 6, mpf(1) / 120)), mpf(0), (pi / 2)**2, 4),
]
for name, function, low, high, degree in cases:
    coefficients, error = fit(function, low, high, degree)
    print(f"{name}: error {mp.nstr(error, 3)}")
    for coefficient in coefficients:
        print(f"    {mp.nstr(coefficient, 12)},")

# pi = the sum of four parts: three of 10 bits, cut off, and one of 24, rounded.
rest = pi
for bits in (10, 10, 10, 24):
    last_place = mpf(2) ** (int(floor(log(rest, 2))) - bits + 1)
    part = floor(rest / last_place + (mpf(1) / 2 if bits == 24 else 0)) * last_place
    rest -= part
    print(f"PI: {mp.nstr(part, 12)}, then {mp.nstr(rest, 3)} are left")

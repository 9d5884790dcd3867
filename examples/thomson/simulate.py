"""One run of the simulator, for dense-search collect.

    python simulate.py INPUT OUTPUT

INPUT is a JSON object with the five parameters of generate.py, OUTPUT becomes the spectrum, one number a line.
"""

import json
import sys

import numpy as np

from generate import NAMES, spectrum

source, target = sys.argv[1:]
with open(source) as file:
    parameters = json.load(file)
np.savetxt(target, spectrum([parameters[name] for name in NAMES]))

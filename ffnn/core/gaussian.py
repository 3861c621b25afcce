"""The normal distribution's lower tail by a rational function, for the error function.

Φ(-z) = e^(-z²/2) P(z) / Q(z) for z ≥ 0, with an error below 2e-16; erf(x) = 1 - 2 Φ(-√2 x).

References
----------
Hart et al., "Computer approximations", 1968, algorithm 5666, as in West, "Better approximations to
cumulative normal functions", Wilmott Magazine, May 2005.
"""

from __future__ import annotations

# Coefficients from the highest power to the lowest.
P = (
    *(3.52624965998911e-02, 0.700383064443688, 6.37396220353165, 33.912866078383),
    *(112.079291497871, 221.213596169931, 220.206867912376),
)
Q = (
    *(8.83883476483184e-02, 1.75566716318264, 16.064177579207, 86.7807322029461),
    *(296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752),
)
FAR = 40.0  # from here on Φ(-z) is 0 in float64

"""Monitoring: a fold over the logged predictions and labels into windows that can be merged and compared.

Its items live in the partition `monitor/<model>/<seconds of a window>`, so that another window length is another fold:

    checkpoint                              lake versions up to which predictions are counted
    judged                                  lake versions up to which performance is measured
    profile/<version>                       the profile of a model version, as it was when its first row was counted
    window/<start>/<arm>/<version>          counts of one window of prediction time
    performance/<start>/<arm>/<version>     measured performance of one window
    merged/<start>/<arm>/<version>          measured performance of the stretch that ends with this window
    alert/<end>/<kind>                      an alert that was raised

Starts and ends are RFC 3339, so items are in the order of time; a version has eight digits, 0 stands for all versions.
"""

from loopwright.monitoring.alerts import Alert
from loopwright.monitoring.history import History, StretchPerformance, WindowResult
from loopwright.monitoring.monitor import Monitor, MonitorReport
from loopwright.monitoring.newest import Newest
from loopwright.monitoring.profiles import PROFILE_FILE, Profile, build_profile

__all__ = [
    "PROFILE_FILE",
    "Alert",
    "History",
    "Monitor",
    "MonitorReport",
    "Newest",
    "Profile",
    "StretchPerformance",
    "WindowResult",
    "build_profile",
]

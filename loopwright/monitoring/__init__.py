"""Monitoring: a fold over the logged predictions and labels into windows that can be merged and compared.

Its items live in the partition `monitor/<model>/<seconds of a window>`, so that another window length is another fold:

    checkpoint                              lake versions up to which predictions are counted
    judged                                  lake versions up to which performance is measured
    profile/<version>                       the profile of a model version, as it was when its first row was counted
    window/<start>/<arm>/<version>          counts of one window of prediction time
    performance/<start>/<arm>/<version>     measured performance of one window
    merged/<start>/<arm>/<version>          measured performance of the stretch that ends with this window

A start is RFC 3339, so items are in the order of time; a version has eight digits, and `all` stands for every version.
"""

"""The worker beside the functions: does everything that is due, again and again, and says how far it has come.

One sweep, in this order: collect what was logged, materialize what changed, monitor the windows that have ended, let
the rules decide about alerts and schedules, keep the lake in order, and, when all of that is done, queues are empty and
no job runs, write the heartbeat. A sweep starts at once when a monitoring window has ended, otherwise half a second
after the last one, so that messages land in files of some size; a tenth of a second after it while a job runs.

Items in the partition `worker`:

    heartbeat        {"at": the moment up to which everything that was due has been done}
    monitor/<model>  {"at": the window's end up to which the model was monitored}
    housekeeping     {"at": the midnight after which the lake was put in order last}

The clock may stand still, run, or jump: occasions that were slept through are made up for by one run.
"""

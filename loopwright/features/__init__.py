"""The feature store: one definition of a feature for a training set of millions and for one row in a request.

validation       rows from outside -> columns; what violates a field's rules; whether a source still fits its view
transformations  the model's on-demand transformations, checked
offline          training columns: what was known at each row's own moment (point in time)
online           the newest row of each entity, packed, for one quick read
serving          request columns + online features + transformations = what the model sees
materialize      lake -> online, changed rows only
ingest           pushed rows -> queue -> lake and online
"""

"""What happens because a transaction committed: streams, observers, callbacks, the outbox.

A `Capture` per connection finds out what a transaction changed just before it commits; once it has
committed, an `Exchange` tells every `Hub` of the process that listens to the same file. A hub
belongs to one `Lix`: it fills streams, wakes observers and keeps callbacks for the next moment at
which SQL may run.
"""

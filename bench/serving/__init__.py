"""`make bench-serving`: the example's server beside a plain one."""

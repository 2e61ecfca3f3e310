dist_man_MANS += man/ustack.1 man/ustackd.8
EXTRA_DIST += README.md NEWS COPYING

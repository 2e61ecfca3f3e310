noinst_PROGRAMS += examples/embed-echo examples/two-stacks
examples_embed_echo_SOURCES = examples/embed-echo.c
examples_embed_echo_LDADD = libustackapi.la -lpthread
examples_two_stacks_SOURCES = examples/two-stacks.c
examples_two_stacks_LDADD = libustackapi.la

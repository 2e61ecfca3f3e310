# fuzz targets: `make fuzz` builds them with clang and libFuzzer, directly from
# the sources (their objects differ from the product's); tests/fuzz/run.sh runs
# each for a while.  lwIP reads headers that are not aligned, on purpose:
# no alignment check; it shifts bytes into the sign bit of an int, which gcc and
# clang define: no shift check; and its warnings are its own (-w).
FUZZ_CC = clang
FUZZ_FLAGS = -std=gnu11 -g -O1 -fno-omit-frame-pointer \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/src -I$(top_srcdir)/include
fuzz_proto_sources = $(wildcard $(top_srcdir)/src/proto/*.c $(top_srcdir)/src/base/*.c)
fuzz_engine_sources = $(fuzz_proto_sources) \
	$(wildcard $(top_srcdir)/src/engine/*.c $(top_srcdir)/src/link/*.c \
	$(top_srcdir)/lwip-port/*.c $(top_srcdir)/lwip-port/lwip/*.c)

fuzz_names_sources = $(fuzz_proto_sources) $(wildcard $(top_srcdir)/src/names/*.c) \
	$(filter-out %/api.c,$(wildcard $(top_srcdir)/src/client/*.c))

fuzz_programs = tests/fuzz/fuzz-config tests/fuzz/fuzz-msg tests/fuzz/fuzz-sockname \
	tests/fuzz/fuzz-frames tests/fuzz/fuzz-rtnl tests/fuzz/fuzz-bpf tests/fuzz/fuzz-dns
fuzz: $(fuzz_programs)
.PHONY: fuzz

tests/fuzz/fuzz-config: $(top_srcdir)/tests/fuzz/fuzz-config.c $(fuzz_proto_sources)
	@$(MKDIR_P) tests/fuzz
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_CPPFLAGS) -o $@ $^
tests/fuzz/fuzz-msg: $(top_srcdir)/tests/fuzz/fuzz-msg.c $(fuzz_proto_sources)
	@$(MKDIR_P) tests/fuzz
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_CPPFLAGS) -o $@ $^
tests/fuzz/fuzz-sockname: $(top_srcdir)/tests/fuzz/fuzz-sockname.c $(fuzz_proto_sources)
	@$(MKDIR_P) tests/fuzz
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_CPPFLAGS) -o $@ $^
tests/fuzz/fuzz-bpf: $(top_srcdir)/tests/fuzz/fuzz-bpf.c $(top_srcdir)/src/engine/bpf.c
	@$(MKDIR_P) tests/fuzz
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_CPPFLAGS) -o $@ $^
tests/fuzz/fuzz-dns: $(top_srcdir)/tests/fuzz/fuzz-dns.c $(fuzz_names_sources)
	@$(MKDIR_P) tests/fuzz
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_CPPFLAGS) -DUSTACK_SBINDIR=\"$(sbindir)\" \
		-DUSTACK_BINDIR=\"$(bindir)\" -DUSTACK_LIBDIR=\"$(libdir)\" $(CARES_CFLAGS) \
		-o $@ $^ -ldl -lpthread
tests/fuzz/fuzz-frames: $(top_srcdir)/tests/fuzz/fuzz-frames.c $(fuzz_engine_sources)
	@$(MKDIR_P) tests/fuzz
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) -fno-sanitize=alignment,shift -w -DPORT_ASSERT_ABORT \
		$(FUZZ_CPPFLAGS) $(LWIP_CPPFLAGS) -I$(LWIP_DIR)/src -o $@ $^ $(VDEPLUG_LIBS) $(LIBS)

tests/fuzz/fuzz-rtnl: $(top_srcdir)/tests/fuzz/fuzz-rtnl.c $(fuzz_engine_sources)
	@$(MKDIR_P) tests/fuzz
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) -fno-sanitize=alignment,shift -w -DPORT_ASSERT_ABORT \
		$(FUZZ_CPPFLAGS) $(LWIP_CPPFLAGS) -I$(LWIP_DIR)/src -o $@ $^ $(VDEPLUG_LIBS) $(LIBS)

EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus \
	tests/fuzz/fuzz-config.c tests/fuzz/fuzz-msg.c tests/fuzz/fuzz-sockname.c \
	tests/fuzz/fuzz-frames.c tests/fuzz/fuzz-rtnl.c tests/fuzz/fuzz-bpf.c tests/fuzz/fuzz-dns.c
CLEANFILES += $(fuzz_programs)

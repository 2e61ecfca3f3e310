# fuzz targets: `make fuzz` builds them with clang and libFuzzer; tests/fuzz/run.sh
# runs each for a while.  Their objects differ from the product's and are shared
# among the targets.  lwIP reads headers that are not aligned, on purpose: no
# alignment check where its headers are used; it shifts bytes into the sign bit
# of an int, which gcc and clang define: no shift check; and its warnings are its own (-w).
FUZZ_CC = clang
FUZZ_FLAGS = -std=gnu11 -g1 -O1 -fno-omit-frame-pointer \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) -I$(LWIP_DIR)/src $(CARES_CFLAGS)
FUZZ_LWIP_FLAGS = -fno-sanitize=alignment,shift -w -DPORT_ASSERT_ABORT

# fuzz_objects: of the sources that match
fuzz_objects = $(patsubst $(top_srcdir)/%.c,tests/fuzz/o/%.o,$(wildcard $(addprefix $(top_srcdir)/,$(1))))
fuzz_proto = $(call fuzz_objects,src/proto/*.c src/base/*.c)
fuzz_engine = $(fuzz_proto) $(call fuzz_objects,src/engine/*.c src/link/*.c lwip-port/*.c lwip-port/lwip/*.c)
fuzz_names = $(fuzz_proto) $(call fuzz_objects,src/names/*.c) \
	$(filter-out %/api.o,$(call fuzz_objects,src/client/*.c))

fuzz_programs = tests/fuzz/fuzz-config tests/fuzz/fuzz-msg tests/fuzz/fuzz-sockname \
	tests/fuzz/fuzz-frames tests/fuzz/fuzz-rtnl tests/fuzz/fuzz-bpf tests/fuzz/fuzz-dns
fuzz: $(fuzz_programs)
.PHONY: fuzz

tests/fuzz/o/lwip-port/%.o tests/fuzz/o/src/engine/%.o tests/fuzz/o/src/link/%.o: FUZZ_MORE = $(FUZZ_LWIP_FLAGS)
tests/fuzz/o/tests/fuzz/fuzz-frames.o tests/fuzz/o/tests/fuzz/fuzz-rtnl.o: FUZZ_MORE = $(FUZZ_LWIP_FLAGS)
tests/fuzz/o/%.o: $(top_srcdir)/%.c
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_MORE) $(FUZZ_CPPFLAGS) -c -o $@ $<

tests/fuzz/fuzz-config tests/fuzz/fuzz-msg tests/fuzz/fuzz-sockname: $(fuzz_proto)
tests/fuzz/fuzz-bpf: $(call fuzz_objects,src/engine/bpf.c)
tests/fuzz/fuzz-dns: $(fuzz_names)
tests/fuzz/fuzz-frames tests/fuzz/fuzz-rtnl: $(fuzz_engine)
tests/fuzz/fuzz-%: tests/fuzz/o/tests/fuzz/fuzz-%.o
	$(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ $^ $(VDEPLUG_LIBS) -ldl -lpthread $(LIBS)
.SECONDARY: $(fuzz_programs:tests/fuzz/%=tests/fuzz/o/tests/fuzz/%.o)

EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus \
	tests/fuzz/fuzz-config.c tests/fuzz/fuzz-msg.c tests/fuzz/fuzz-sockname.c \
	tests/fuzz/fuzz-frames.c tests/fuzz/fuzz-rtnl.c tests/fuzz/fuzz-bpf.c tests/fuzz/fuzz-dns.c
CLEANFILES += $(fuzz_programs) $(fuzz_engine) $(fuzz_names) $(fuzz_programs:tests/fuzz/%=tests/fuzz/o/tests/fuzz/%.o)

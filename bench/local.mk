# ./bootstrap bench: every stack's client and server run the same program
check_PROGRAMS += bench/netbench bench/forward bench/foreign
BENCH_CFLAGS = -std=gnu11 $(WARN_CFLAGS) -O2
bench_netbench_SOURCES = bench/netbench.c bench/bench.h bench/meter.c bench/server.c \
	bench/tcp.c bench/udp.c
bench_netbench_CFLAGS = $(BENCH_CFLAGS)
bench_netbench_LDFLAGS =
bench_netbench_LDADD = -ldl
bench_forward_CFLAGS = $(BENCH_CFLAGS)
bench_forward_LDFLAGS =
bench_foreign_CFLAGS = $(BENCH_CFLAGS)
bench_foreign_LDFLAGS =
bench_foreign_LDADD = -ldl
EXTRA_DIST += bench/run bench/stacks.sh.inc bench/rows.sh.inc bench/loss.sh bench/report \
	bench/goals bench/plot.gp bench/results/results.csv bench/results/table.md \
	bench/results/goals.md bench/results/bench.svg

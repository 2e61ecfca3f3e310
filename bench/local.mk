# ./bootstrap bench: the kernel's client and ours run the same program
check_PROGRAMS += bench/netbench
bench_netbench_CFLAGS = -std=gnu11 $(WARN_CFLAGS) -O2
bench_netbench_LDFLAGS =
EXTRA_DIST += bench/run bench/loss.sh

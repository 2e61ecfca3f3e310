# System tests: tests/run runs them against the build folder
EXTRA_DIST += \
	tests/lib.sh tests/run tests/netns/talk.sh.inc \
	tests/netns/vde-walkthrough.sh tests/netns/tap-kernel.sh tests/netns/tun-kernel.sh \
	tests/netns/two-stacks.sh tests/netns/daemon-killed.sh tests/netns/client-killed.sh \
	tests/netns/never-reads.sh tests/netns/bad-config.sh tests/netns/bad-control.sh \
	tests/netns/bad-frames.sh tests/netns/iproute2.sh tests/netns/iproute2.cmds \
	tests/netns/iproute2.known tests/netns/rtnl.sh tests/netns/links.sh tests/netns/forward.sh tests/netns/churn.sh tests/check-all tests/analyse examples/demo.sh .clang-tidy .ci/run
EXTRA_DIST += tests/netns/bench.sh tests/netns/cable.sh.inc tests/netns/carry.sh.inc tests/netns/loss.sh tests/netns/pmtu.sh tests/netns/uso-in.sh tests/netns/uso.sh tests/netns/urgent.sh

# all of them; as root nothing is skipped
check-system: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=
	USTACK_BUILD=$(abs_top_builddir) $(top_srcdir)/tests/run
.PHONY: check-system
EXTRA_DIST += tests/netns/dhcp6.sh tests/netns/dhcp6-server.py tests/netns/alert.py tests/netns/groups.sh tests/netns/groups.py tests/netns/slaac.sh tests/netns/dhcp.sh tests/netns/dhcp-times.sh tests/netns/dhcp-server.py

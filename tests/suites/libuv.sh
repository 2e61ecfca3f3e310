# shellcheck shell=bash
# libuv.sh - uv_run_tests, one process a test, as an ordinary user
suite_source=libuv1
suite_user=nobody	# it refuses to run as root

suite_prepare() {
	[ -x "$SRC/test/run-tests" ] ||
		(cd "$SRC" && sh autogen.sh && ./configure --disable-shared && make -j2 test/run-tests) || return 1
	# where an ordinary user may run it
	cp "$SRC/test/run-tests" "$CWD/run-tests"
	mkdir "$CWD/test" && cp -r "$SRC/test/fixtures" "$CWD/test/"
}
suite_cases() { "${AS[@]}" "$CWD/run-tests" --list | awk '{ print $1 }'; }
suite_case() { "${RUN[@]}" ./run-tests "$1"; }

# shellcheck shell=bash
# libuv.sh - uv_run_tests, one process a test, as an ordinary user
suite_source=libuv1
suite_user=nobody	# it refuses to run as root

suite_prepare() {
	[ -x "$SRC/test/run-tests" ] ||
		(cd "$SRC" && sh autogen.sh && ./configure --disable-shared && make -j2 test/run-tests)
	# where an ordinary user may run it
	cp "$SRC/test/run-tests" "$T/run-tests"
	cp -r "$SRC/test/fixtures" "$T/cwd"
	mkdir "$T/cwd/test" && mv "$T/cwd/fixtures" "$T/cwd/test/" && chown -R "$suite_user" "$T/cwd"
}
suite_cases() { "${AS[@]}" "$T/run-tests" --list | awk '{ print $1 }'; }
suite_case() { "${RUN[@]}" "$T/run-tests" "$1"; }

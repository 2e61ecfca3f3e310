/* under-shim.h - run a test program under libustack.so, on a fake stack */
#ifndef TESTS_UNIT_UNDER_SHIM_H
#define TESTS_UNIT_UNDER_SHIM_H

/* first thing in main(): starts a fake stack and runs this program again under
 * the shim, whose exit status it returns; returns -1 in that second run.
 * The second run finds the daemon's pid in $FAKE_PID. */
int under_shim(char **argv);

#endif

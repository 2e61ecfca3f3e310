/* meter.c - time, processor time and latencies of a run
 *
 * Theory of operation
 * What a run costs is what the scheduler counted for all processes on the way:
 * the client, those named by -p, the client's children, and ksoftirqd, in
 * nanoseconds from /proc/PID/task/TID/schedstat.  Softirqs that run at the end
 * of a process' system call are counted as that process' time.  With -c all
 * of them share one processor, so that no time is spent idle between two of
 * them and no work is done twice as fast by a second processor: the sum is then
 * what the path costs, whatever else the machine does.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

#define MAX_PIDS	64
#define MAX_SAMPLES	(1 << 20)

static int pids[MAX_PIDS], npids;
static double t0, took, cpu0, used;
static float *samples;
static unsigned nsamples;

static double clock_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/**
 * now() - Seconds of the monotonic clock
 */
double now(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

/* calls @fn for each thread of @pid and sums what it returns */
static double each_thread(int pid, double (*fn)(int pid, int tid, int arg), int arg)
{
	char path[64];
	struct dirent *e;
	double sum = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	if (!d)
		return 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			sum += fn(pid, atoi(e->d_name), arg);
	closedir(d);
	return sum;
}

static double cpu_of(int pid, int tid, int arg)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *f;

	(void)arg;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	fclose(f);
	return (double)ns / 1e9;
}

static double pin(int pid, int tid, int cpu)
{
	cpu_set_t set;

	(void)pid;
	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	if (sched_setaffinity(tid, sizeof(set), &set) < 0 && errno != ESRCH)
		err(1, "cannot pin process %d to processor %d", tid, cpu);
	return 0;
}

static double cpu_all(void)
{
	double sum = clock_of(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < npids; i++)
		sum += each_thread(pids[i], cpu_of, 0);
	return sum;
}

static void add(int pid)
{
	if (npids == MAX_PIDS)
		errx(1, "more than %d processes to measure", MAX_PIDS);
	pids[npids++] = pid;
}

/* the processes that libvdestack starts */
static void add_children(void)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	if (!f)
		return;
	while (fscanf(f, "%d", &pid) == 1)
		add(pid);
	fclose(f);
}

/* ksoftirqd of @cpu, or of all when it is negative */
static void add_ksoftirqd(int cpu)
{
	char path[288], name[32], want[32];
	struct dirent *e;
	DIR *d = opendir("/proc");
	FILE *f;

	snprintf(want, sizeof(want), "ksoftirqd/%d", cpu);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = atoi(e->d_name) ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		if (fscanf(f, "%31s", name) == 1 &&
		    (cpu < 0 ? !strncmp(name, "ksoftirqd/", 10) : !strcmp(name, want)))
			add(atoi(e->d_name));
		fclose(f);
	}
	if (d)
		closedir(d);
}

/**
 * meter_init() - Say what is measured, and where it runs
 * @list:	Process numbers with commas between them
 * @cpu:	The processor for all of them, or -1 for any
 */
void meter_init(const char *list, int cpu)
{
	char *end;

	while (*list) {
		add((int)strtol(list, &end, 10));
		if (end == list)
			errx(2, "-p %s: process numbers are expected", list);
		list = *end ? end + 1 : end;
	}
	add_children();
	for (int i = 0; i < npids; i++)
		each_thread(pids[i], pin, cpu);
	each_thread(getpid(), pin, cpu);
	add_ksoftirqd(cpu);
	samples = malloc(MAX_SAMPLES * sizeof(*samples));
	if (!samples)
		err(1, "malloc");
}

/**
 * meter_start() - The run begins
 */
void meter_start(void)
{
	cpu0 = cpu_all();
	t0 = now();
}

/**
 * meter_stop() - The run is over; what follows is not counted
 */
void meter_stop(void)
{
	took = now() - t0;
	used = cpu_all() - cpu0;
}

/**
 * meter_sample() - A transaction took @seconds
 */
void meter_sample(double seconds)
{
	if (nsamples < MAX_SAMPLES)
		samples[nsamples++] = (float)(seconds * 1e6);
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double percentile(unsigned p)
{
	return nsamples ? (double)samples[(uint64_t)(nsamples - 1) * p / 100] : 0;
}

/**
 * meter_print() - The line that netbench.c describes
 */
void meter_print(const char *mode, const struct result *r)
{
	bool bytes = !strcmp(r->unit, "Gbit/s");
	double value = (bytes ? (double)r->count * 8e-9 : (double)r->count) / took;

	qsort(samples, nsamples, sizeof(*samples), by_value);
	printf("%s %.7g %s %.4f %llu %.6f %.1f %.1f\n", mode, value, r->unit, took,
	       (unsigned long long)r->count, used, percentile(50), percentile(99));
}

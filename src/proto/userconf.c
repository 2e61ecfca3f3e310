/* userconf.c - the user's own configuration of the stack called "default"
 *
 * Theory of operation
 * $XDG_CONFIG_HOME/ustack/default.conf (else ~/.config/ustack/default.conf)
 * holds a configuration string.  To be written and read with ease it may have
 * several lines, which are joined by commas, and comments, from a '#' at the
 * beginning of a line or after a blank to its end.  What the string means is
 * config.c's.  No state.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "proto/userconf.h"

#define USERCONF_MAX	65536

/**
 * userconf_path() - Where the file is looked for
 *
 * Return: 0, or -ENOENT when the environment tells no place for it
 */
int userconf_path(char *buf, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;

	if (config && config[0] == '/')
		n = snprintf(buf, size, "%s/ustack/default.conf", config);
	else if (home && home[0] == '/')
		n = snprintf(buf, size, "%s/.config/ustack/default.conf", home);
	else
		return -ENOENT;
	return n < 0 || (size_t)n >= size ? -ENOENT : 0;
}

/* one line without its comment and outer blanks, and without a trailing comma */
static size_t trim(char **line)
{
	char *s = *line;
	size_t len;

	s += strspn(s, " \t\r,");
	for (char *p = s; *p; p++)
		if (*p == '#' && (p == s || p[-1] == ' ' || p[-1] == '\t')) {
			*p = '\0';
			break;
		}
	for (len = strlen(s); len && strchr(" \t\r,", s[len - 1]); len--)
		;
	*line = s;
	return len;
}

/* in place: what is left of a line is never longer than the line */
static void join_lines(char *text)
{
	char *save = NULL, *out = text;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t len = trim(&line);

		if (!len)
			continue;
		if (out != text)
			*out++ = ',';
		memmove(out, line, len);
		out += len;
	}
	*out = '\0';
}

static int read_all(int fd, char *text)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = read(fd, text + used, USERCONF_MAX - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		used += (size_t)n;
		if (used == USERCONF_MAX)
			return -EFBIG;
	} while (n);
	text[used] = '\0';
	return memchr(text, '\0', used) ? -EINVAL : 0;
}

/**
 * userconf_read() - The configuration string of the file
 * @config:	receives it; release it with free()
 * @err, @errlen: on failure other than -ENOENT, why in one line
 *
 * Return: 0, -ENOENT when there is no such file, or another -errno
 */
int userconf_read(char **config, char *err, size_t errlen)
{
	char path[PATH_MAX];
	int fd, ret = userconf_path(path, sizeof(path));

	if (ret)
		return ret;
	*config = malloc(USERCONF_MAX);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ret = fd < 0 ? -errno : !*config ? -ENOMEM : read_all(fd, *config);
	if (fd >= 0)
		close(fd);
	if (!ret) {
		join_lines(*config);
		return 0;
	}
	free(*config);
	*config = NULL;
	if (ret == -ENOTDIR)
		ret = -ENOENT;
	if (ret != -ENOENT)
		snprintf(err, errlen, "%s: cannot read it: %s", path,
			 ret == -EINVAL ? "it is no text file" : strerror(-ret));
	return ret;
}

/* ready.h - tell whoever started the daemon how it went */
#ifndef DAEMON_READY_H
#define DAEMON_READY_H

int ready_daemonise(void);
void ready_detach(void);
void ready_tell(int fd, const char *text);
void ready_notify(const char *state);
int pidfile_write(const char *path);
void pidfile_remove(const char *path);

#endif

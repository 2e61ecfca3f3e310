/* ifset.h - the ioctls that change interfaces, routes and neighbours */
#ifndef CLIENT_IFSET_H
#define CLIENT_IFSET_H

int client_ifset(const char *path, int domain, unsigned long req, void *arg);

#endif

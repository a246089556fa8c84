/* Loaded before Ray (LD_PRELOAD): its servers ask for every address of the machine, and
 * get the one that HISTOCNN_LISTEN names (IPv4). Ray has no setting for that. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*bind_function)(int, const struct sockaddr *, socklen_t);

static const unsigned char MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Whether it is ::, or ::ffff:0.0.0.0, which gRPC writes for IPv4. */
static int is_any(const struct in6_addr *address) {
  static const unsigned char none[4];
  return IN6_IS_ADDR_UNSPECIFIED(address) ||
         (IN6_IS_ADDR_V4MAPPED(address) && !memcmp(address->s6_addr + 12, none, 4));
}

int bind(int descriptor, const struct sockaddr *address, socklen_t length) {
  static bind_function next;
  if (!next) next = (bind_function)dlsym(RTLD_NEXT, "bind");
  const char *text = getenv("HISTOCNN_LISTEN");
  struct in_addr only;
  if (!text || inet_pton(AF_INET, text, &only) != 1)
    return next(descriptor, address, length);
  if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in own = *(const struct sockaddr_in *)address;
    if (own.sin_addr.s_addr == htonl(INADDR_ANY)) own.sin_addr = only;
    return next(descriptor, (struct sockaddr *)&own, sizeof own);
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 own = *(const struct sockaddr_in6 *)address;
    if (is_any(&own.sin6_addr)) {
      memcpy(own.sin6_addr.s6_addr, MAPPED, sizeof MAPPED);
      memcpy(own.sin6_addr.s6_addr + sizeof MAPPED, &only, sizeof only);
    }
    return next(descriptor, (struct sockaddr *)&own, sizeof own);
  }
  return next(descriptor, address, length);
}

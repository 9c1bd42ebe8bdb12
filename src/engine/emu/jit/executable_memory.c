/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for translated code; see executable_memory.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/emu/jit/executable_memory.h"

static void *map(int fd, size_t size, int protection)
{
	void *p = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool keep_from_children(const struct executable_memory *m)
{
	return !madvise(m->writable, m->size, MADV_DONTFORK) &&
	       !madvise((void *)m->executable, m->size, MADV_DONTFORK);
}

/* A file that may not be that large is an error, too, but one that comes with a signal. */
static bool may_be_as_large(size_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur >= size)
		return true;
	errno = EFBIG;
	return false;
}

bool executable_memory_create(struct executable_memory *m, size_t size, bool for_children)
{
	int fd = memfd_create("fwnmi-translated-code", MFD_CLOEXEC);
	int error;

	*m = (struct executable_memory){ .size = size };
	if (fd < 0)
		return false;
	if (may_be_as_large(size) && !ftruncate(fd, (off_t)size)) {
		m->writable = map(fd, size, PROT_READ | PROT_WRITE);
		m->executable = map(fd, size, PROT_READ | PROT_EXEC);
	}
	error = errno;
	close(fd);
	if (m->writable && m->executable && (for_children || keep_from_children(m)))
		return true;
	executable_memory_destroy(m);
	errno = error;
	return false;
}

void executable_memory_destroy(struct executable_memory *m)
{
	if (m->writable)
		munmap(m->writable, m->size);
	if (m->executable)
		munmap((void *)m->executable, m->size);
	memset(m, 0, sizeof(*m));
}

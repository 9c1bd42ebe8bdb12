/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that keeps NVRAM: it has one owner, and is the one at its path. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_io.h"
#include "cmd/nvram_file.h"

#define FAIL(...) (snprintf(err, err_size, "cannot use NVRAM file " __VA_ARGS__), -1)
#define MAX_TRIES 16

/*
 * An open file description lock covers the contents: no close() of another descriptor drops it.
 * Such a lock does not tell the owner's PID, so the byte after the contents has a process lock.
 */
static struct flock contents_lock(size_t size)
{
	return (struct flock){ .l_type = F_WRLCK, .l_len = (off_t)size };
}

static struct flock owner_lock(size_t size)
{
	return (struct flock){ .l_type = F_WRLCK, .l_start = (off_t)size, .l_len = 1 };
}

static int fail_locked(int fd, const char *path, size_t size, char *err, size_t err_size)
{
	struct flock lock = owner_lock(size);

	if (!fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK && lock.l_pid > 0)
		return FAIL("%s: process %ld has it", path, (long)lock.l_pid);
	return FAIL("%s: another process has it", path);
}

static int lock_file(int fd, const char *path, size_t size, char *err, size_t err_size)
{
	struct flock lock = contents_lock(size);

	if (fcntl(fd, F_OFD_SETLK, &lock)) {
		if (errno == EACCES || errno == EAGAIN)
			return fail_locked(fd, path, size, err, err_size);
		return FAIL("%s: cannot lock it: %s", path, strerror(errno));
	}
	lock = owner_lock(size);
	fcntl(fd, F_SETLK, &lock);
	return 0;
}

/* Give a new file its name, which must be free. Returns 0 or an error number. */
static int name_file(const char *temporary, const char *path)
{
	if (!link(temporary, path)) {
		unlink(temporary);
		return 0;
	}
	/* Some file systems have no hard links; some that have them lack RENAME_NOREPLACE. */
	if (errno != EEXIST && !renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE))
		return 0;
	return errno;
}

/*
 * A new file gets its name only when it is complete and locked. Returns 1 if the name is taken by
 * then.
 */
static int create_file(struct nvram_file *file, const char *path, const uint8_t *contents,
		       size_t size, char *err, size_t err_size)
{
	size_t len = strlen(path) + sizeof(".XXXXXX");
	char *temporary = malloc(len);
	int ret = 0, error;

	if (!temporary)
		return FAIL("%s: out of memory", path);
	snprintf(temporary, len, "%s.XXXXXX", path);
	file->fd = mkostemp(temporary, O_CLOEXEC);
	if (file->fd < 0) {
		ret = FAIL("%s: %s", path, strerror(errno));
		free(temporary);
		return ret;
	}
	if (file_write(file->fd, contents, size, 0) || fsync(file->fd))
		ret = FAIL("%s: %s", path, strerror(errno));
	else
		ret = lock_file(file->fd, path, size, err, err_size);
	if (!ret) {
		error = name_file(temporary, path);
		if (error)
			ret = error == EEXIST ? 1 : FAIL("%s: %s", path, strerror(error));
	}
	if (ret) {
		unlink(temporary);
		nvram_file_close(file);
	}
	free(temporary);
	return ret;
}

/* Open and lock an existing file. Returns 1 if it is gone by then. */
static int open_file(struct nvram_file *file, const char *path, uint8_t *contents, size_t size,
		     char *err, size_t err_size)
{
	struct stat st, named;
	int ret;

	file->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return errno == ENOENT ? 1 : FAIL("%s: %s", path, strerror(errno));
	if (fstat(file->fd, &st))
		ret = FAIL("%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size != size)
		ret = FAIL("%s: not a file of %zu bytes", path, size);
	else
		ret = lock_file(file->fd, path, size, err, err_size);
	if (!ret && (stat(path, &named) || named.st_dev != st.st_dev || named.st_ino != st.st_ino))
		ret = 1;
	if (!ret && file_read(file->fd, contents, size, 0))
		ret = FAIL("%s: it cannot be read", path);
	if (ret)
		nvram_file_close(file);
	return ret;
}

int nvram_file_open(struct nvram_file *file, const char *path, uint8_t *contents, size_t size,
		    char *err, size_t err_size)
{
	int ret = 1;

	/* Other processes may create, rename and remove it at the same time. */
	for (unsigned i = 0; i < MAX_TRIES && ret > 0; i++) {
		ret = open_file(file, path, contents, size, err, err_size);
		if (ret > 0)
			ret = create_file(file, path, contents, size, err, err_size);
	}
	return ret > 0 ? FAIL("%s: it keeps appearing and disappearing", path) : ret;
}

void nvram_file_close(struct nvram_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

bool nvram_file_write(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	const struct nvram_file *file = opaque;

	return !file_write(file->fd, buf, len, offset);
}

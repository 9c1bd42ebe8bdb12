/* SPDX-License-Identifier: BSD-2-Clause */
/* Complete files only: see new_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/new_file.h"

#define MAX_TRIES 100

bool new_file_is_plain(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

int new_file_begin(struct new_file *file, int dir, const char *name)
{
	const size_t len = strlen(name);

	*file = (struct new_file){ .dir = dir, .fd = -1 };
	if (!new_file_is_plain(name))
		return -EINVAL;
	if (len + sizeof("..9999999.99") > sizeof(file->temporary))
		return -ENAMETOOLONG;
	memcpy(file->name, name, len + 1);
	for (unsigned i = 0; i < MAX_TRIES && file->fd < 0; i++) {
		snprintf(file->temporary, sizeof(file->temporary), ".%.*s.%ld.%u", (int)len, name,
			 (long)getpid(), i);
		file->fd = openat(dir, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
				  S_IRUSR | S_IWUSR);
		if (file->fd < 0 && errno != EEXIST)
			break;
	}
	return file->fd < 0 ? -errno : 0;
}

int new_file_commit(struct new_file *file)
{
	int error = fsync(file->fd) ? -errno : 0;

	/* An error at last is not one of the contents, which are on the disk. */
	close(file->fd);
	file->fd = -1;
	if (!error && renameat(file->dir, file->temporary, file->dir, file->name))
		error = -errno;
	if (error)
		unlinkat(file->dir, file->temporary, 0);
	else
		fsync(file->dir); /* not every file system can */
	return error;
}

void new_file_discard(struct new_file *file)
{
	if (file->fd < 0)
		return;
	close(file->fd);
	file->fd = -1;
	unlinkat(file->dir, file->temporary, 0);
}

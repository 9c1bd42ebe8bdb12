/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds, reads and writes the state file; see host_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/host_file.h"

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

static bool own_directory(char *path, size_t size, char *err, size_t err_size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (runtime && runtime[0] == '/')
		snprintf(path, size, "%s/fwnmi", runtime);
	else
		snprintf(path, size, "/tmp/fwnmi-%u", (unsigned)getuid());
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return FAIL("cannot create %s for the state: %s; name a file: --state", path,
			    strerror(errno));
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid() ||
	    st.st_mode & (S_IWGRP | S_IWOTH))
		return FAIL("%s is not a private directory; name another file: --state", path);
	return true;
}

static bool choose_path(struct host_file *file, const char *state, const char *where, char *err,
			size_t err_size)
{
	char directory[300], name[200];
	size_t len = 0;

	file->named = state;
	if (state) {
		if (strlen(state) >= sizeof(file->path))
			return FAIL("the path of --state is too long");
		strcpy(file->path, state);
		return true;
	}
	if (!own_directory(directory, sizeof(directory), err, err_size))
		return false;
	for (const char *p = where; *p; p++) {
		if (len + 4 > sizeof(name))
			return FAIL("the address is too long for a file name; name a file: "
				    "--state");
		if (strchr("/%", *p))
			len += (size_t)sprintf(name + len, "%%%02x", (unsigned char)*p);
		else
			name[len++] = *p;
	}
	name[len] = '\0';
	snprintf(file->path, sizeof(file->path), "%s/%s", directory, name);
	return true;
}

bool host_file_read(struct host_file *file, const char *state, const char *where, char *err,
		    size_t err_size)
{
	struct stat st;
	ssize_t n = -1;
	int fd;

	*file = (struct host_file){ .bytes = NULL };
	if (!choose_path(file, state, where, err, err_size))
		return false;
	fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ||
		       FAIL("cannot read state %s: %s", file->path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= HOST_FILE_MAX) {
		file->bytes = malloc((size_t)st.st_size + 1);
		n = file->bytes ? read(fd, file->bytes, (size_t)st.st_size) : -1;
	}
	close(fd);
	file->size = n < 0 ? 0 : (size_t)n;
	if (n >= 0)
		return true;
	host_file_free(file);
	return FAIL("cannot read state %s: not a state file", file->path);
}

bool host_file_write(const struct host_file *file, const uint8_t *bytes, size_t size, char *err,
		     size_t err_size)
{
	char temporary[sizeof(file->path) + 16];
	int fd;
	bool ok;

	snprintf(temporary, sizeof(temporary), "%s.%d", file->path, (int)getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ok = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
	if (fd >= 0 && close(fd) < 0)
		ok = false;
	ok = ok && rename(temporary, file->path) == 0;
	if (ok)
		return true;
	snprintf(err, err_size, "cannot write state %s: %s", file->path, strerror(errno));
	if (fd >= 0)
		unlink(temporary);
	return false;
}

void host_file_free(struct host_file *file)
{
	free(file->bytes);
	file->bytes = NULL;
}

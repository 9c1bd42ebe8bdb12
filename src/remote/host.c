/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi's callbacks over a gdb stub, and its state between invocations; see host.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fwnmi/mce.h>

#include "remote/host.h"
#include "remote/private.h"
#include "remote/spr.h"

/* QEMU's layout of the RTAS area: 20 bytes of code, the error log at 0x30, a slot a CPU from 0x800 on. */
#define BOOT_OFFSET 0x20u
#define SAVE_OFFSET 0x30u
#define SLOTS	    0x800u

/* Power ISA Book III, Logical Partitioning Control Register */
#define LPCR_ILE (1ull << 25)

/* The file: these, then libfwnmi's record. */
static const uint8_t magic[8] = { 'F', 'W', 'N', 'M', 'I', 'g', 'd', 'b' };
enum {
	FILE_UNWATCHED = 8,
	FILE_BOOT = 16,
	FILE_HEADER = 24,
	FILE_MAX = 1 << 20,
};

/* ---- libfwnmi's operations ---- */

static int read_memory(void *opaque, uint64_t real_address, void *buf, size_t len)
{
	struct host *host = opaque;
	bool there;

	return gdb_read_memory(host->gdb, real_address, buf, len, &there) && there ? 0 : -1;
}

static int write_memory(void *opaque, uint64_t real_address, const void *buf, size_t len)
{
	struct host *host = opaque;
	bool there;

	return gdb_write_memory(host->gdb, real_address, buf, len, &there) && there ? 0 : -1;
}

static int get_regs(void *opaque, unsigned cpu, struct fwnmi_regs *regs)
{
	struct host *host = opaque;
	const struct gdb_registers *r = gdb_registers(host->gdb);

	return gdb_read_register(host->gdb, cpu, r->msr, &regs->msr) &&
			       gdb_read_register(host->gdb, cpu, r->nip, &regs->nip) &&
			       remote_spr_read(host->guest, cpu, SPR_SRR0, &regs->srr0) &&
			       remote_spr_read(host->guest, cpu, SPR_SRR1, &regs->srr1) &&
			       gdb_read_register(host->gdb, cpu, r->gpr[3], &regs->gpr3) ?
		       0 :
		       -1;
}

/* SRR0 and SRR1 first: should the stub refuse one, the guest has lost nothing yet. MSR changes the byte order. */
static int set_regs(void *opaque, unsigned cpu, const struct fwnmi_regs *regs)
{
	struct host *host = opaque;
	const struct gdb_registers *r = gdb_registers(host->gdb);
	uint64_t nip, msr;

	if (!remote_spr_write(host->guest, cpu, SPR_SRR0, regs->srr0) ||
	    !remote_spr_write(host->guest, cpu, SPR_SRR1, regs->srr1) ||
	    !gdb_write_register(host->gdb, cpu, r->gpr[3], regs->gpr3) ||
	    !gdb_write_register(host->gdb, cpu, r->nip, regs->nip) ||
	    !gdb_write_register(host->gdb, cpu, r->msr, regs->msr) ||
	    !gdb_read_register(host->gdb, cpu, r->msr, &msr) ||
	    !gdb_read_register(host->gdb, cpu, r->nip, &nip))
		return -1;
	if (nip == regs->nip && msr == regs->msr)
		return 0;
	gdb_fail(host->gdb,
		 "the stub sets NIP 0x%" PRIx64 ", MSR 0x%" PRIx64 " instead of 0x%" PRIx64
		 ", 0x%" PRIx64,
		 nip, msr, regs->nip, regs->msr);
	return -1;
}

static void kick(void *opaque, unsigned cpu)
{
	struct host *host = opaque;

	host->kicked |= 1ull << cpu;
}

static void end_partition(void *opaque, unsigned cpu, enum fwnmi_end_reason reason)
{
	struct host *host = opaque;

	host->partition_ended = true;
}

static const struct fwnmi_ops ops = {
	.read_memory = read_memory,
	.write_memory = write_memory,
	.get_regs = get_regs,
	.set_regs = set_regs,
	.kick = kick,
	.end_partition = end_partition,
};

static bool interrupts_little_endian(struct host *host, bool *little_endian)
{
	int reg = gdb_register(host->gdb, "lpcr");
	uint64_t lpcr;

	if (reg < 0)
		return gdb_fail(host->gdb, "the stub does not give LPCR, which says how interrupts "
					   "are taken");
	if (!gdb_read_register(host->gdb, 0, reg, &lpcr))
		return false;
	*little_endian = lpcr & LPCR_ILE;
	return true;
}

static bool set_up(struct host *host)
{
	const struct guest *guest = host->guest;
	uint32_t slots = gdb_nr_cpus(host->gdb) * FWNMI_SYSTEM_RESET_SLOT_SIZE, room;
	struct fwnmi_config config = {
		.nr_cpus = gdb_nr_cpus(host->gdb),
		.rtas_base = guest->rtas_base,
		.rtas_size = guest->rtas_size,
		.save_area_offset = SAVE_OFFSET,
	};
	int err;

	room = guest->rtas_size > SAVE_OFFSET + slots ? guest->rtas_size - SAVE_OFFSET - slots : 0;
	config.mc_buffer_size = room < SLOTS - SAVE_OFFSET ? room & ~15u : SLOTS - SAVE_OFFSET;
	if (!interrupts_little_endian(host, &config.interrupts_little_endian))
		return false;
	err = config.mc_buffer_size ? fwnmi_init(&host->fwnmi, &ops, host, &config) :
				      FWNMI_ERR_NOSPACE;
	if (err)
		return gdb_fail(host->gdb,
				"the RTAS area of %" PRIu32 " bytes at 0x%" PRIx64
				" cannot be used: %s",
				guest->rtas_size, guest->rtas_base, fwnmi_strerror(err));
	return true;
}

/* ---- the state's file ---- */

static bool own_directory(struct host *host, char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (runtime && runtime[0] == '/')
		snprintf(path, size, "%s/fwnmi", runtime);
	else
		snprintf(path, size, "/tmp/fwnmi-%u", (unsigned)getuid());
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return gdb_fail(host->gdb, "cannot make %s for the state: %s; name a file: --state",
				path, strerror(errno));
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid() ||
	    st.st_mode & (S_IWGRP | S_IWOTH))
		return gdb_fail(host->gdb, "%s is not ours alone; name another file: --state",
				path);
	return true;
}

static bool choose_path(struct host *host, const char *state, const char *where)
{
	char directory[300], name[200];
	size_t len = 0;

	if (state) {
		if (strlen(state) >= sizeof(host->path))
			return gdb_fail(host->gdb, "the path of --state is too long");
		strcpy(host->path, state);
		return true;
	}
	if (!own_directory(host, directory, sizeof(directory)))
		return false;
	for (const char *p = where; *p; p++) {
		if (len + 4 > sizeof(name))
			return gdb_fail(host->gdb,
					"the address is too long for a file name; name a "
					"file: --state");
		if (strchr("/%", *p))
			len += (size_t)sprintf(name + len, "%%%02x", (unsigned char)*p);
		else
			name[len++] = *p;
	}
	name[len] = '\0';
	snprintf(host->path, sizeof(host->path), "%s/%s", directory, name);
	return true;
}

/* The whole file, malloc()ed. *size 0: there is none. */
static uint8_t *read_file(struct host *host, size_t *size)
{
	int fd = open(host->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t *bytes = NULL;
	struct stat st;
	ssize_t n = -1;

	*size = 0;
	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX) {
		bytes = malloc((size_t)st.st_size + 1);
		n = bytes ? read(fd, bytes, (size_t)st.st_size) : -1;
	}
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		gdb_fail(host->gdb, "cannot read state %s: %s", host->path,
			 fd < 0 ? strerror(errno) : "not a file of that kind");
		free(bytes);
		return NULL;
	}
	*size = (size_t)n;
	return bytes;
}

static enum host_loaded load(struct host *host, bool named)
{
	size_t size;
	uint8_t *bytes = read_file(host, &size);
	enum host_loaded loaded = HOST_NEW;
	uint8_t boot[8];
	bool there;
	int err = 0;

	if (!bytes)
		return gdb_error(host->gdb)[0] ? HOST_FAILED : HOST_NEW;
	if (size < FILE_HEADER || memcmp(bytes, magic, sizeof(magic)) != 0)
		err = FWNMI_ERR_BADRECORD;
	if (!gdb_read_memory(host->gdb, host->guest->rtas_base + BOOT_OFFSET, boot, sizeof(boot),
			     &there)) {
		free(bytes);
		return HOST_FAILED;
	}
	if (!err && (!there || memcmp(bytes + FILE_BOOT, boot, sizeof(boot)) != 0))
		err = FWNMI_ERR_MISMATCH;
	if (!err)
		err = fwnmi_load(&host->fwnmi, bytes + FILE_HEADER, size - FILE_HEADER);
	if (!err) {
		memcpy(host->boot, boot, sizeof(boot));
		host->boot_known = true;
		host->unwatched = bytes[FILE_UNWATCHED];
		loaded = HOST_LOADED;
	} else if (named || err != FWNMI_ERR_MISMATCH) {
		gdb_fail(host->gdb, "cannot use state %s: %s; start anew: --forget", host->path,
			 err == FWNMI_ERR_MISMATCH ? "it is of another guest, or of its last boot" :
						     fwnmi_strerror(err));
		loaded = HOST_FAILED;
	}
	free(bytes);
	return loaded;
}

enum host_loaded host_open(struct host *host, struct guest *guest, const char *state,
			   const char *where, bool forget)
{
	memset(host, 0, sizeof(*host));
	host->gdb = guest->gdb;
	host->guest = guest;
	if (!set_up(host) || !choose_path(host, state, where))
		return HOST_FAILED;
	return forget ? HOST_NEW : load(host, state);
}

bool host_mark(struct host *host)
{
	bool there;

	if (host->boot_known)
		return true;
	if (getrandom(host->boot, sizeof(host->boot), 0) != sizeof(host->boot))
		return gdb_fail(host->gdb, "no random number to be had");
	if (!gdb_write_memory(host->gdb, host->guest->rtas_base + BOOT_OFFSET, host->boot,
			      sizeof(host->boot), &there))
		return false;
	host->boot_known = there;
	return there || gdb_fail(host->gdb, "the RTAS area at 0x%" PRIx64 " cannot be written",
				 host->guest->rtas_base);
}

static bool write_file(struct host *host, const uint8_t *bytes, size_t size)
{
	char temporary[sizeof(host->path) + 16];
	int fd;
	bool ok;

	snprintf(temporary, sizeof(temporary), "%s.%d", host->path, (int)getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ok = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
	if (fd >= 0 && close(fd) < 0)
		ok = false;
	ok = ok && rename(temporary, host->path) == 0;
	if (!ok) {
		gdb_fail(host->gdb, "cannot write state %s: %s", host->path, strerror(errno));
		if (fd >= 0)
			unlink(temporary);
	}
	return ok;
}

bool host_save(struct host *host)
{
	size_t size = fwnmi_state_size(&host->fwnmi);
	uint8_t *bytes;
	bool ok;

	bytes = calloc(1, FILE_HEADER + size);
	if (!bytes)
		return gdb_fail(host->gdb, "out of memory");
	memcpy(bytes, magic, sizeof(magic));
	bytes[FILE_UNWATCHED] = host->unwatched;
	memcpy(bytes + FILE_BOOT, host->boot, sizeof(host->boot));
	ok = fwnmi_save(&host->fwnmi, bytes + FILE_HEADER, size) == (int)size &&
	     write_file(host, bytes, FILE_HEADER + size);
	free(bytes);
	return ok;
}

/* ---- registration ---- */

bool host_register(struct host *host, unsigned cpu, uint64_t system_reset, uint64_t machine_check,
		   bool page_7)
{
	uint64_t old_system_reset, old_machine_check;
	uint8_t first[4], second[4];
	int err;

	/* What libfwnmi remembers of the routines stays, so that it can tell when they have gone. */
	if (fwnmi_registered(&host->fwnmi, &old_system_reset, &old_machine_check) && !page_7 &&
	    old_system_reset == system_reset && old_machine_check == machine_check)
		return true;
	if (read_memory(host, system_reset, first, 4) == 0 &&
	    read_memory(host, machine_check, second, 4) == 0 &&
	    (!remote_number(first, 4, false) || !remote_number(second, 4, false)))
		return gdb_fail(host->gdb,
				"the routines at 0x%" PRIx64 " and 0x%" PRIx64 " are no code",
				system_reset, machine_check);
	err = page_7 ? fwnmi_register2(&host->fwnmi, cpu, system_reset, machine_check) :
		       fwnmi_register(&host->fwnmi, cpu, system_reset, machine_check);
	if (!err)
		return true;
	return gdb_fail(host->gdb, "routines 0x%" PRIx64 " and 0x%" PRIx64 " cannot be entered: %s",
			system_reset, machine_check, fwnmi_strerror(err));
}

unsigned host_processor(struct host *host, unsigned cpu)
{
	uint64_t pvr;

	if (!remote_spr_read(host->guest, cpu, SPR_PVR, &pvr))
		pvr = 0;
	return fwnmi_mce_processor((uint32_t)pvr);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi's host for a guest behind a gdb stub: the callbacks, and the partition's state between
 * two runs. The state is libfwnmi's record in a file, plus a number in a gap of the RTAS area that
 * identifies the boot.
 */
#ifndef FWNMI_ATTACH_HOST_H
#define FWNMI_ATTACH_HOST_H

#include <fwnmi/fwnmi.h>

#include "attach/guest.h"
#include "attach/host_file.h"

struct host {
	struct gdb *gdb;
	struct guest *guest;
	struct fwnmi *fwnmi;
	uint64_t kicked; /* one bit per vCPU: fwnmi_resume() is due */
	/* Nobody saw whether the vCPU that holds the buffer has called ibm,nmi-interlock. */
	bool unwatched;
	uint8_t boot[8];
	bool boot_known; /* the boot number is in the guest */
};

enum host_loaded {
	HOST_LOADED,
	HOST_NEW, /* there was no state for this guest and boot */
	HOST_FAILED,
};

/**
 * host_open() - set up libfwnmi for a guest whose RTAS area is known, and load its state
 * @file: the file as read
 * @forget: ignore what is in the file
 *
 * HOST_FAILED: gdb_error() is set. If the user named the file, state of another guest or boot is an
 * error. If the file was chosen by the stub's address, that is normal.
 */
enum host_loaded host_open(struct host *host, struct guest *guest, const struct host_file *file,
			   bool forget);
void host_close(struct host *host);

/**
 * host_register() - register the guest's routines, as given by its call or its kernel's symbols.
 */
bool host_register(struct host *host, unsigned cpu, uint64_t system_reset, uint64_t machine_check,
		   bool page_7);

/** host_get_regs() - what libfwnmi wants to know of a stopped vCPU. */
bool host_get_regs(struct host *host, unsigned cpu, struct fwnmi_regs *regs);
/**
 * host_deliver() - carry out FWNMI_DELIVERED: write the log and the vCPU's registers
 *
 * On failure the guest is as before. libfwnmi's state is not, so the caller saves none.
 */
bool host_deliver(struct host *host, unsigned cpu, const struct fwnmi_outcome *outcome);

/** host_mark() - write the boot number into the guest; done before anything is delivered. */
bool host_mark(struct host *host);
/**
 * host_save() - the new contents of the file, malloc()ed. Call after host_mark(); works even if the
 * connection has failed since.
 */
uint8_t *host_save(struct host *host, size_t *size);

/** host_pvr() - a vCPU's processor version register; 0 if the stub does not provide it. */
uint32_t host_pvr(struct host *host, unsigned cpu);

#endif

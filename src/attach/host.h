/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi's host for a guest behind a gdb stub: the callbacks, and the partition's state between
 * two invocations. The state is libfwnmi's record in a file, and a number in a gap of the RTAS area
 * that says which boot it belongs to.
 */
#ifndef FWNMI_ATTACH_HOST_H
#define FWNMI_ATTACH_HOST_H

#include <fwnmi/fwnmi.h>

#include "attach/guest.h"
#include "attach/host_file.h"

struct host {
	struct gdb *gdb;
	struct guest *guest;
	struct fwnmi fwnmi;
	uint64_t kicked; /* a bit a vCPU: fwnmi_resume() is due */
	bool partition_ended; /* libfwnmi asks for the reboot policy */
	/* Nobody saw whether the vCPU that holds the buffer has called ibm,nmi-interlock. */
	bool unwatched;
	uint8_t boot[8];
	bool boot_known; /* the number is in the guest */
};

enum host_loaded {
	HOST_LOADED,
	HOST_NEW, /* there was no state of this guest and boot */
	HOST_FAILED,
};

/**
 * host_open() - set up libfwnmi for the guest whose RTAS area is known, and load its state
 * @file: as it was found
 * @forget: start without what is in the file
 *
 * HOST_FAILED: gdb_error() is set. A named file that is of another guest or boot is an error; of
 * one that only the address names it is no surprise.
 */
enum host_loaded host_open(struct host *host, struct guest *guest, const struct host_file *file,
			   bool forget);

/** host_register() - the guest's routines, as its call or its kernel's symbols name them. */
bool host_register(struct host *host, unsigned cpu, uint64_t system_reset, uint64_t machine_check,
		   bool page_7);

/** host_mark() - write the boot's number into the guest, before anything is delivered. */
bool host_mark(struct host *host);
/**
 * host_save() - what the file is to hold, malloc()ed, after host_mark(); also when the connection
 * has failed since.
 */
uint8_t *host_save(struct host *host, size_t *size);

/** host_processor() - which one a vCPU is, from its PVR; POWER9 if it is unknown. */
unsigned host_processor(struct host *host, unsigned cpu);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes that run cases. One boots the guest; as soon as it is ready, it forks workers,
 * which share its memory copy on write. A worker forks once more for each batch of cases, so a
 * batch always begins with the same guest. None of them outlives whoever called workers_start().
 */
#ifndef FWNMI_LAB_WORKERS_H
#define FWNMI_LAB_WORKERS_H

#include <poll.h>

#include "lab/lab_guest.h"

#define WORKERS_MAX 64

struct workers;

struct workers_config {
	struct lab_guest_config guest;
	unsigned count; /* 1..WORKERS_MAX */
	bool early; /* one more worker, for LAB_BOOT, with a guest that has just registered */
	/*
	 * Confines a process that runs a guest; false, with a reason in @err, if it cannot. May be
	 * NULL.
	 */
	bool (*confine)(char *err, size_t err_size);
};

/* What a process says. */
enum workers_message_type {
	WORKERS_BOOTING, /* insns so far */
	WORKERS_READY, /* one more worker can be given a batch: text is the kernel's release */
	WORKERS_RESULT, /* of a case: what json says */
	WORKERS_PATH, /* that was asked for: json's member "points" is path_record()'s array */
	WORKERS_BATCH_DONE, /* the worker can be given another one */
	WORKERS_FAILED, /* text: why; no worker will run the rest of the batch */
	WORKERS_ENDED, /* the process is gone */
};

struct workers_message {
	enum workers_message_type type;
	unsigned worker; /* count: the early one; of BOOTING and a FAILED boot: 0 */
	uint64_t insns;
	json_t *json; /* WORKERS_RESULT, WORKERS_PATH; the caller's */
	char text[512];
};

/** workers_start() - NULL with one line in @err: no such files, no processes left */
struct workers *workers_start(const struct workers_config *config, char *err, size_t err_size);
/** workers_stop() - end all processes, whatever they do. */
void workers_stop(struct workers *workers);
/**
 * workers_give() - have a worker that is ready do something
 * @request: a batch of cases of one workload, as an array of lab_case_json(); or a path to record,
 * as path_spec_json()
 */
bool workers_give(struct workers *workers, unsigned worker, const json_t *request);
/**
 * workers_next() - wait for a message
 * @timeout_ms: -1: for ever
 * returns: false if none came
 */
bool workers_next(struct workers *workers, int timeout_ms, struct workers_message *message);

#endif

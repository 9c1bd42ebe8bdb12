/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots in files: what is refused, what becomes of a file that can't be written, what is
 * pending in one, and processes that share one. Speaks TAP.
 *
 * usage: snapshot_file_test [-smp N] [-m MiB] [-cpu NAME] [-initrd FILE] [-append ARGS]
 *		[-at INSNS] [-until INSNS] KERNEL
 *
 * At instruction AT a system reset is asked for that waits for a program interrupt, and the machine
 * is saved 1000 instructions later. The interrupt comes before instruction UNTIL. The clock counts
 * instructions.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "inject/injector.h"
#include "machine/snapshot.h"
#include "machine/snapshot_file.h"

#include "machine_options.h"

#define PREFIX_SIZE 128u
#define AT_VERSION  8
#define AT_BUILD    24
#define AT_CRC	    124

static uint64_t save_at, until;
static char dir[] = "/tmp/fwnmi-snapshot-XXXXXX";
static char path[64], copy[64];

/* ---- machines ---- */

/* What a machine was seen to do. */
struct run {
	struct machine *machine;
	struct injector *injector;
	enum clock_mode clock;
	uint64_t delivered_at; /* instructions of the machine; 0: not yet */
};

/* All that can be compared of two machines. */
struct sum {
	uint64_t insns, delivered_at;
	uint32_t memory, state;
};

static void on_event(void *opaque, const struct machine_event *event)
{
	struct run *run = opaque;

	if (event->type == MACHINE_EVENT_FWNMI && injector_explains(run->injector, event) &&
	    !run->delivered_at)
		run->delivered_at = event->insns;
}

static void start(struct run *run, const struct machine_config *with)
{
	const struct machine_client client = { .event = on_event, .opaque = run };
	char err[256];

	*run = (struct run){ .machine = machine_create(with, err, sizeof(err)),
			     .clock = with->clock };
	if (!run->machine)
		die("cannot create the machine", err);
	run->injector = injector_create(run->machine, err, sizeof(err));
	if (!run->injector || !machine_add_client(run->machine, &client))
		die("cannot watch the machine", "");
}

static void stop(struct run *run)
{
	injector_destroy(run->injector);
	machine_destroy(run->machine);
}

static void run_to(struct run *run, uint64_t insns)
{
	char why[256];

	machine_stop_at(run->machine, insns);
	machine_run(run->machine, why, sizeof(why));
}

static struct sum sum_of(struct run *run)
{
	const struct guest_memory *memory = machine_memory(run->machine);
	struct sum sum = { .insns = machine_insns(run->machine),
			   .delivered_at = run->delivered_at };
	char err[256];
	size_t size;
	void *state = machine_save(run->machine, &size, err, sizeof(err));

	if (!state)
		die("cannot save", err);
	/* The host's clock goes on. */
	if (run->clock == CLOCK_INSN)
		sum.state = crc32c(0, state, size);
	sum.memory = crc32c(0, memory->base, memory->size);
	free(state);
	return sum;
}

static bool same(const struct sum *a, const struct sum *b)
{
	if (!memcmp(a, b, sizeof(*a)))
		return true;
	printf("# instructions %llu, %llu; delivered at %llu, %llu; memory %08x, %08x; "
	       "state %08x, %08x\n",
	       (unsigned long long)a->insns, (unsigned long long)b->insns,
	       (unsigned long long)a->delivered_at, (unsigned long long)b->delivered_at, a->memory,
	       b->memory, a->state, b->state);
	return false;
}

static bool load_from(const char *from, struct run *run, char *err, size_t err_size)
{
	struct machine_config with = config;
	struct snapshot_file *file = snapshot_file_open(from, err, err_size);
	bool good;

	if (!file)
		return false;
	with.kernel = with.initrd = NULL;
	snapshot_file_config(file, &with);
	start(run, &with);
	good = snapshot_file_load(file, run->machine, err, err_size);
	snapshot_file_close(file);
	if (!good)
		stop(run);
	return good;
}

/* ---- files ---- */

static uint8_t *bytes;
static size_t size;

static void read_file(void)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (!f || fstat(fileno(f), &st))
		die("cannot read", path);
	size = (size_t)st.st_size;
	bytes = malloc(size);
	if (!bytes || fread(bytes, 1, size, f) != size)
		die("cannot read", path);
	fclose(f);
}

static void write_copy(size_t length)
{
	FILE *f = fopen(copy, "wb");

	if (!f || fwrite(bytes, 1, length, f) != length || fclose(f))
		die("cannot write", copy);
}

static unsigned files_in_dir(void)
{
	unsigned count = 0;
	DIR *d = opendir(dir);

	for (struct dirent *e; d && (e = readdir(d));)
		count += e->d_name[0] != '.' || (e->d_name[1] && e->d_name[1] != '.');
	closedir(d);
	return count;
}

/* Refused, with one line that has this text. */
static bool refused(const char *text)
{
	char err[256] = "";
	struct snapshot_file *file = snapshot_file_open(copy, err, sizeof(err));
	bool good = !file && strstr(err, text) && !strchr(err, '\n');

	if (!good)
		printf("# %s: %s\n", file ? "taken" : "refused", err);
	snapshot_file_close(file);
	return good;
}

static void seal_prefix(void)
{
	uint32_t crc = crc32c(0, bytes, AT_CRC);

	for (unsigned i = 0; i < 4; i++)
		bytes[AT_CRC + i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* ---- tests ---- */

static struct run original;
static struct sum end;

static void the_machine_is_saved(void)
{
	const struct injection_request request = {
		.system_reset = true,
		.trigger = { .point = TRIGGER_VECTOR, .vector = 0x700, .ri = TRIGGER_RI_ANY },
		.timeout_ms = 3600000
	};
	char err[256];
	int64_t written;

	start(&original, &config);
	run_to(&original, save_at);
	if (!injector_add(original.injector, &request, err, sizeof(err)))
		die("cannot inject", err);
	run_to(&original, save_at + 1000); /* the engine watches by then */
	written = snapshot_file_save(original.machine, path, err, sizeof(err));
	if (written < 0)
		die("cannot save", err);
	read_file();
	ok(written == (int64_t)size && files_in_dir() == 1,
	   "a_machine_is_saved_to_one_file_and_nothing_else");
}

static void a_pending_injection_is_delivered_at_the_same_instruction_after_a_load(void)
{
	struct snapshot *snapshot;
	struct run loaded;
	struct sum sum;
	char err[256];
	bool good;

	snapshot = snapshot_take(original.machine, err, sizeof(err));
	if (!snapshot)
		die("cannot take a snapshot", err);
	run_to(&original, until);
	end = sum_of(&original);
	ok(end.delivered_at > save_at + 1000, "it_was_pending_when_the_machine_was_saved");
	if (!load_from(path, &loaded, err, sizeof(err)))
		die("cannot load", err);
	run_to(&loaded, until);
	sum = sum_of(&loaded);
	good = same(&end, &sum);
	stop(&loaded);
	ok(good, __func__);
	original.delivered_at = 0;
	if (snapshot_reset(snapshot, err, sizeof(err)) < 0)
		die("cannot reset", err);
	run_to(&original, until);
	sum = sum_of(&original);
	ok(same(&end, &sum), "and_after_a_reset");
	snapshot_free(snapshot);
}

/* A child goes on from what it shares, and tells what it saw. */
static int start_child(struct run *run, pid_t *pid)
{
	int ends[2];

	if (pipe(ends))
		die("cannot make a pipe", strerror(errno));
	*pid = fork();
	if (!*pid) {
		struct sum sum;

		run_to(run, until);
		sum = sum_of(run);
		_exit(write(ends[1], &sum, sizeof(sum)) != sizeof(sum));
	}
	close(ends[1]);
	return ends[0];
}

static bool child_did_the_same(int from, pid_t pid)
{
	struct sum sum = { 0 };
	bool good = read(from, &sum, sizeof(sum)) == sizeof(sum) && same(&end, &sum);

	close(from);
	waitpid(pid, NULL, 0);
	return good;
}

static void two_children_go_on_from_one_snapshot_alike(void)
{
	struct run shared;
	struct sum sum;
	char err[256];
	int from[2];
	pid_t pid[2];
	bool good = true;

	if (!load_from(path, &shared, err, sizeof(err)))
		die("cannot load", err);
	for (unsigned i = 0; i < 2; i++)
		from[i] = start_child(&shared, &pid[i]);
	for (unsigned i = 0; i < 2; i++)
		good &= child_did_the_same(from[i], pid[i]);
	ok(good, __func__);
	run_to(&shared, until);
	sum = sum_of(&shared);
	ok(same(&end, &sum), "and_the_parent_after_them");
	stop(&shared);
}

static void a_file_cut_anywhere_is_refused(void)
{
	bool good = true;

	for (size_t length = 0; length < size && good; length += length / 3 + 1) {
		write_copy(length);
		good = refused("");
	}
	write_copy(size - 1);
	good &= refused("cut short");
	bytes = realloc(bytes, size + 1);
	if (!bytes)
		die("out of memory", "");
	bytes[size] = 0;
	write_copy(size + 1);
	ok(good && refused("something follows it"), __func__);
}

/* Every byte of the prefix, the frame's first and last, and some between. */
static void a_file_with_any_bit_changed_is_refused(void)
{
	bool good = true;

	for (size_t at = 0; at < size && good; at += at < PREFIX_SIZE + 32 ? 1 : size / 61) {
		bytes[at] ^= (uint8_t)(1u << at % 8);
		write_copy(size);
		good = refused("cannot load");
		bytes[at] ^= (uint8_t)(1u << at % 8);
		if (!good)
			printf("# byte %zu\n", at);
	}
	for (size_t at = size - 8; at < size && good; at++) {
		bytes[at] ^= 0x10;
		write_copy(size);
		good = refused("damaged");
		bytes[at] ^= 0x10;
	}
	ok(good, __func__);
}

static void another_build_and_another_version_are_refused(void)
{
	uint8_t prefix[PREFIX_SIZE];
	bool good;

	memcpy(prefix, bytes, sizeof(prefix));
	bytes[AT_BUILD + 30] ^= 1;
	seal_prefix();
	write_copy(size);
	good = refused("another build");
	memcpy(bytes, prefix, sizeof(prefix));
	bytes[AT_VERSION + 3]++;
	seal_prefix();
	write_copy(size);
	good &= refused("version");
	memcpy(bytes, prefix, sizeof(prefix));
	ok(good, __func__);
}

/* Memory and state are what they were before. */
static bool leaves_alone(struct machine_config with, const char *text)
{
	char err[256] = "";
	struct snapshot_file *file = snapshot_file_open(path, err, sizeof(err));
	struct sum before, after;
	struct run other;
	bool good;

	if (!file)
		die("cannot open", err);
	start(&other, &with);
	before = sum_of(&other);
	good = !snapshot_file_load(file, other.machine, err, sizeof(err)) && strstr(err, text);
	after = sum_of(&other);
	good = good && same(&before, &after);
	if (!good)
		printf("# %s\n", err);
	stop(&other);
	snapshot_file_close(file);
	return good;
}

static void another_machine_is_refused_and_stays_as_it_was(void)
{
	struct machine_config with = config;
	bool good;

	with.ram_size *= 2;
	good = leaves_alone(with, "amount of memory");
	with = config;
	with.nr_vcpus = with.nr_vcpus % ENGINE_MAX_VCPUS + 1;
	good &= leaves_alone(with, "number of vCPUs");
	with = config;
	with.cpu = config.cpu == &cpu_model_power10 ? &cpu_model_power9 : &cpu_model_power10;
	with.compat = with.cpu;
	good &= leaves_alone(with, "processor");
	with = config;
	with.compat = &cpu_model_power8;
	good &= leaves_alone(with, "processor");
	with = config;
	with.clock = CLOCK_HOST;
	good &= leaves_alone(with, "clock");
	with = config;
	with.partition.interrupts = PAPR_INTERRUPTS_XIVE;
	good &= leaves_alone(with, "interrupt controller");
	with = config;
	with.no_mc_exit = true;
	ok(leaves_alone(with, "machine checks") && good, __func__);
}

static void a_file_that_cannot_be_written_is_none_and_the_former_one_stays(void)
{
	const struct rlimit small = { size / 2, RLIM_INFINITY },
			    none = { RLIM_INFINITY, RLIM_INFINITY };
	char err[256] = "";
	uint8_t *former;
	int64_t written;
	bool good;

	unlink(copy);
	setrlimit(RLIMIT_FSIZE, &small);
	written = snapshot_file_save(original.machine, path, err, sizeof(err));
	setrlimit(RLIMIT_FSIZE, &none);
	good = written < 0 && strstr(err, strerror(EFBIG)) && files_in_dir() == 1;
	former = bytes;
	read_file();
	ok(good && !memcmp(former, bytes, size), __func__);
	free(former);
	written = snapshot_file_save(original.machine, "/nowhere/at/all", err, sizeof(err));
	ok(written < 0 && strstr(err, strerror(ENOENT)), "a_directory_must_be_there");
}

static bool option(const char *name, const char *value)
{
	return is_number(name, value, "-at", &save_at) || is_number(name, value, "-until", &until);
}

int main(int argc, char **argv)
{
	take_options(argc, argv, option);
	if (!mkdtemp(dir))
		die("cannot make a directory", strerror(errno));
	snprintf(path, sizeof(path), "%s/machine", dir);
	snprintf(copy, sizeof(copy), "%s/copy", dir);
	the_machine_is_saved();
	a_pending_injection_is_delivered_at_the_same_instruction_after_a_load();
	two_children_go_on_from_one_snapshot_alike();
	a_file_cut_anywhere_is_refused();
	a_file_with_any_bit_changed_is_refused();
	another_build_and_another_version_are_refused();
	another_machine_is_refused_and_stays_as_it_was();
	a_file_that_cannot_be_written_is_none_and_the_former_one_stays();
	printf("1..%u\n", nr_tests);
	stop(&original);
	free(bytes);
	unlink(copy);
	unlink(path);
	rmdir(dir);
	return failed;
}

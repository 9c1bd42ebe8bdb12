/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's commands; see commands.h. fwnmi-run(1) lists them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fwnmi/fwnmi.h>

#include "base/text.h"
#include "control/commands.h"
#include "control/events.h"
#include "inject/inject_args.h"
#include "inject/plant.h"
#include "inject/platform_event.h"
#include "inject/json.h"
#include "machine/planted_error.h"
#include "machine/snapshot_file.h"
#include "machine/snapshot_keeper.h"

static json_t *query_status(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	bool paused = machine_paused(target->machine);

	return json_pack("{s:b, s:s}", "running", !paused, "status", paused ? "paused" : "running");
}

const char *command_cpu_state(const struct machine *machine, unsigned vcpu)
{
	static const char *const states[] = {
		[VCPU_STOPPED] = "stopped",
		[VCPU_RUNNABLE] = "running",
		[VCPU_CEDED] = "idle",
		[VCPU_UNSAFE] = "stopped",
	};

	return machine_vcpu_waits(machine, vcpu) ? "waiting-for-interlock" :
						   states[machine_vcpu_state(machine, vcpu)];
}

static json_t *query_cpus_fast(struct command_target *target, json_t *args, char *err,
			       size_t err_size)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < machine_nr_vcpus(target->machine); i++)
		json_array_append_new(
			list, json_pack("{s:i, s:i, s:s, s:s, s:o, s:{s:i}}", "cpu-index", (int)i,
					"thread-id", (int)getpid(), "target", "ppc64", "state",
					command_cpu_state(target->machine, i), "instructions",
					json_count(machine_vcpu_insns(target->machine, i)), "props",
					"core-id", (int)i));
	return list;
}

static json_t *hexadecimal(const uint8_t *bytes, unsigned len)
{
	char text[2 * FWNMI_ERRLOG_MAX + 1];

	for (unsigned i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	text[2 * len] = '\0';
	return json_string(text);
}

static json_t *query_fwnmi(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	const struct papr_fwnmi_end *last_end = papr_fwnmi_end(machine_papr(target->machine));
	struct papr_fwnmi_state state;
	json_t *out;

	papr_fwnmi_state(machine_papr(target->machine), &state);
	out = json_pack("{s:b, s:b, s:s, s:b}", "registered", state.registered, "interlock-held",
			state.interlock_held, "delivery",
			state.by_trampoline ? "trampoline" : "direct", "partition-ended",
			machine_partition_ended(target->machine));
	if (state.registered) {
		json_object_set_new(out, "system-reset", json_address(state.system_reset));
		json_object_set_new(out, "machine-check", json_address(state.machine_check));
	}
	if (state.interlock_held)
		json_object_set_new(out, "owner", json_integer(state.owner));
	if (last_end)
		json_object_set_new(out, "last-end",
				    json_pack("{s:i, s:s, s:o}", "cpu-index", (int)last_end->vcpu,
					      "reason", event_end_reason(last_end->reason), "log",
					      hexadecimal(last_end->log, last_end->log_length)));
	return out;
}

/* Inject into every started CPU; if @others, except for the one in @request. */
static json_t *inject_several(struct command_target *target,
			      const struct injection_request *request, bool others, char *err,
			      size_t err_size)
{
	json_t *ids = json_array(), *refused = json_array();
	const uint64_t group = target->last_injection + 1;
	bool any;

	for (unsigned i = 0; i < machine_nr_vcpus(target->machine); i++) {
		struct injection_request injection = *request;

		enum vcpu_state state = machine_vcpu_state(target->machine, i);

		if (state == VCPU_STOPPED || state == VCPU_UNSAFE || (others && i == request->vcpu))
			continue;
		injection.vcpu = i;
		injection.group = group;
		injection.id = ++target->last_injection;
		if (!injector_add(target->injector, &injection, err, err_size))
			json_array_append_new(refused, json_pack("{s:i, s:o}", "cpu-index", (int)i,
								 "reason", text_json(err)));
		else
			json_array_append_new(ids, json_pack("{s:i, s:o}", "cpu-index", (int)i,
							     "id", json_count(injection.id)));
	}
	any = json_array_size(ids);
	if (!any && !json_array_size(refused))
		snprintf(err, err_size, "no such CPU is running");
	if (any)
		return json_pack("{s:o, s:o}", "ids", ids, "refused", refused);
	json_decref(ids);
	json_decref(refused);
	return NULL;
}

static json_t *inject(struct command_target *target, json_t *args, bool system_reset, char *err,
		      size_t err_size)
{
	enum inject_cpus cpus = inject_args_cpus(args, system_reset);
	struct injection_request injection;

	if (inject_args_parse(args, system_reset, &injection, err, err_size) < 0)
		return NULL;
	if (cpus == INJECT_PARTITION && machine_nr_vcpus(target->machine) == 1)
		cpus = INJECT_ONE_CPU;
	if (cpus != INJECT_ONE_CPU)
		return inject_several(target, &injection, cpus == INJECT_OTHER_CPUS, err, err_size);
	injection.id = ++target->last_injection;
	if (!injector_add(target->injector, &injection, err, err_size))
		return NULL;
	return json_pack("{s:o}", "id", json_count(injection.id));
}

static json_t *inject_machine_check(struct command_target *target, json_t *args, char *err,
				    size_t err_size)
{
	return inject(target, args, false, err, err_size);
}

static json_t *inject_nmi(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	return inject(target, args, true, err, err_size);
}

/* Queue a log for the guest's event-scan or check-exception. */
static json_t *queue_event(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	struct platform_event event;
	int rc;

	if (!platform_event_parse(args, &event, err, err_size))
		return NULL;
	rc = papr_queue_event(machine_papr(target->machine), event.source, event.event_class,
			      event.log, event.length);
	if (rc < 0) {
		snprintf(err, err_size, "cannot queue the log: %s", fwnmi_strerror(rc));
		return NULL;
	}
	return json_object();
}

static json_t *query_poisoned_memory(struct command_target *target, json_t *args, char *err,
				     size_t err_size)
{
	const struct guest_memory *memory = machine_memory(target->machine);
	json_t *list = json_array();

	for (unsigned i = 0; i < memory->nr_poisoned; i++) {
		const struct memory_region *region = &memory->poisoned[i];

		json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "address",
						      json_address(region->first), "length",
						      json_count(region->last - region->first + 1),
						      "heal-on-write", region->heal_on_write));
	}
	return list;
}

static json_t *poison_memory(struct command_target *target, json_t *args, char *err,
			     size_t err_size)
{
	struct poison_request request;

	if (inject_args_poison(args, false, &request, err, err_size) < 0 ||
	    !machine_poison(target->machine, request.address, request.length, request.heal_on_write,
			    err, err_size))
		return NULL;
	return query_poisoned_memory(target, NULL, err, err_size);
}

static json_t *heal_memory(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	struct poison_request request;

	if (inject_args_poison(args, true, &request, err, err_size) < 0 ||
	    !machine_heal(target->machine, request.address, request.length, err, err_size))
		return NULL;
	return query_poisoned_memory(target, NULL, err, err_size);
}

static json_t *planted_json(const struct engine_planted *planted)
{
	json_t *object = json_pack(
		"{s:i, s:s, s:s, s:o, s:o, s:s}", "cpu-index", (int)planted->vcpu, "type",
		fwnmi_mc_type_name(planted_error_in(planted->where)->type), "subtype",
		planted->multihit ? "multihit" : "parity", "effective-address",
		json_address(planted->first), "length",
		json_count(planted->last - planted->first + 1), "disposition",
		fwnmi_disposition_name(planted->recovered ? FWNMI_DISPOSITION_FULLY_RECOVERED :
							    FWNMI_DISPOSITION_NOT_RECOVERED));

	if (planted->pid != ENGINE_ANY_PID)
		json_object_set_new(object, "pid", json_integer(planted->pid));
	return object;
}

static json_t *query_planted_errors(struct command_target *target, json_t *args, char *err,
				    size_t err_size)
{
	const struct engine_planted *planted;
	unsigned count = machine_planted(target->machine, &planted);
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, planted_json(&planted[i]));
	return list;
}

static json_t *plant_error(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	struct plant_request request;

	if (inject_args_plant(args, false, &request, err, err_size) < 0 ||
	    !plant_carry_out(target->machine, &request, err, err_size))
		return NULL;
	return query_planted_errors(target, NULL, err, err_size);
}

static json_t *clear_error(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	struct plant_request request;

	if (inject_args_plant(args, true, &request, err, err_size) < 0 ||
	    !plant_clear(target->machine, &request, err, err_size))
		return NULL;
	return query_planted_errors(target, NULL, err, err_size);
}

/* {"file": NAME}, a plain name. NULL: @err says why not. */
static const char *snapshot_name(const struct command_target *target, json_t *args, char *err,
				 size_t err_size)
{
	const char *name;

	if (json_unpack(args, "{s:s !}", "file", &name))
		snprintf(err, err_size, "the argument must be file");
	else if (!target->keeper)
		snprintf(err, err_size,
			 "no directory for snapshots: fwnmi run needs --snapshot-dir DIR");
	else
		return name;
	return NULL;
}

static json_t *snapshot_save(struct command_target *target, json_t *args, char *err,
			     size_t err_size)
{
	const char *name = snapshot_name(target, args, err, err_size);
	int64_t size;

	if (!name)
		return NULL;
	size = snapshot_keeper_save(target->keeper, target->snapshot_dir, name, target->machine,
				    err, err_size);
	if (size < 0)
		return NULL;
	return json_pack("{s:o, s:o}", "instructions", json_count(machine_insns(target->machine)),
			 "size", json_count((uint64_t)size));
}

/* What clients have under way belongs to the machine that is given up. */
static json_t *snapshot_load(struct command_target *target, json_t *args, char *err,
			     size_t err_size)
{
	const char *name = snapshot_name(target, args, err, err_size);
	struct snapshot_file *file = NULL;
	bool good;

	if (name)
		file = snapshot_keeper_open(target->keeper, target->snapshot_dir, name, err,
					    err_size);
	if (!file)
		return NULL;
	injector_cancel(target->injector, "another state of the machine was loaded");
	good = snapshot_file_load(file, target->machine, err, err_size);
	snapshot_file_close(file);
	if (!good)
		return NULL;
	return json_pack("{s:o}", "instructions", json_count(machine_insns(target->machine)));
}

static json_t *stop(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	machine_pause(target->machine, true);
	return json_object();
}

static json_t *cont(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	if (machine_partition_ended(target->machine)) {
		snprintf(err, err_size, "the partition has ended: use system_reset or quit");
		return NULL;
	}
	machine_pause(target->machine, false);
	return json_object();
}

static json_t *system_reset(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	machine_request_reset(target->machine);
	return json_object();
}

static json_t *quit(struct command_target *target, json_t *args, char *err, size_t err_size)
{
	machine_quit(target->machine);
	return json_object();
}

json_t *command_version(void)
{
	int major = 0, minor = 0, micro = 0;

	sscanf(FWNMI_VERSION, "%d.%d.%d", &major, &minor, &micro);
	/* QMP clients look for a version of "qemu"; the package tells what this really is. */
	return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", major, "minor", minor,
			 "micro", micro, "package", "fwnmi " FWNMI_VERSION);
}

static json_t *query_version(struct command_target *target, json_t *args, char *err,
			     size_t err_size)
{
	return command_version();
}

static json_t *query_commands(struct command_target *target, json_t *args, char *err,
			      size_t err_size);

static const struct command commands[] = {
	{ "query-version", query_version, false },
	{ "query-commands", query_commands, false },
	{ "query-status", query_status, false },
	{ "query-cpus-fast", query_cpus_fast, false },
	{ "query-fwnmi", query_fwnmi, false },
	{ "inject-machine-check", inject_machine_check, true },
	{ "inject-nmi", inject_nmi, true },
	{ "queue-event", queue_event, true },
	{ "poison-memory", poison_memory, true },
	{ "heal-memory", heal_memory, true },
	{ "query-poisoned-memory", query_poisoned_memory, false },
	{ "plant-error", plant_error, true },
	{ "clear-error", clear_error, true },
	{ "query-planted-errors", query_planted_errors, false },
	{ "snapshot-save", snapshot_save, true },
	{ "snapshot-load", snapshot_load, true },
	{ "stop", stop, false },
	{ "cont", cont, false },
	{ "system_reset", system_reset, false },
	{ "quit", quit, false },
};
#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static json_t *query_commands(struct command_target *target, json_t *args, char *err,
			      size_t err_size)
{
	json_t *list = json_array();

	json_array_append_new(list, json_pack("{s:s}", "name", "qmp_capabilities"));
	for (size_t i = 0; i < NR_COMMANDS; i++)
		json_array_append_new(list, json_pack("{s:s}", "name", commands[i].name));
	return list;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

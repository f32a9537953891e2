/*
  Options that nobody reads. The database takes any name; one that begins as Dini's do and means nothing is said aloud,
  with the name that comes nearest. What has been asked for is known to the database itself, so that the list below only
  serves to guess what was meant.
*/
#include "../private/diniparameterimpl.h"

static const char *const DiniNames[]          = {"type",
                                                 "adjoint_type",
                                                 "guard",
                                                 "error_if_not_converged",
                                                 "view",
                                                 "monitor",
                                                 "converged_reason",
                                                 "check",
                                                 "condition",
                                                 "attach_rtol",
                                                 "attach_atol",
                                                 "predict",
                                                 "reuse_forward",
                                                 "jacobian_type",
                                                 "jacobian_max_columns",
                                                 "tangent_rtol",
                                                 "adjoint_rtol",
                                                 "gradient_rtol",
                                                 "transpose",
                                                 "reuse",
                                                 "direct_max",
                                                 "block_size",
                                                 "hessian_type",
                                                 "hessian_blend",
                                                 "hessian_step",
                                                 "continuation_step",
                                                 "continuation_min_step",
                                                 "continuation_max_steps",
                                                 "continuation_rtol",
                                                 "continuation_monitor",
                                                 "fixedpoint_derivative",
                                                 "fixedpoint_max_columns",
                                                 "fixedpoint_method",
                                                 "fixedpoint_max_it",
                                                 "weak_activity",
                                                 "weak_activity_rtol",
                                                 "eigen_gap",
                                                 "eigen_mode",
                                                 "eigen_track",
                                                 "eigen_min_overlap"};
static const char *const DiniParameterNames[] = {"type", "difference",  "step",  "affine",
                                                 "real", "max_columns", "active"};

/* How names of other objects begin, which are read when those are made, or by objects of their own */
static const char *const DiniLater[] = {"adjoint_", "tangent_", "direct_", "fixedpoint_", "posterior_", "svd_",
                                        "pc_",      "sub_",     "mg_",     "fieldsplit_", "mat_",       "test_"};

static PetscErrorCode DiniNearest(Dini dini, const char name[], char nearest[DINI_NAME], PetscInt *distance)
{
  char candidate[DINI_NAME];

  PetscFunctionBegin;
  *distance = PETSC_MAX_INT;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(DiniNames); k++)
    PetscCall(DiniNearer_Private(name, DiniNames[k], nearest, distance));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(DiniParameterNames); k++) {
      PetscCall(
          PetscSNPrintf(candidate, sizeof(candidate), "parameter_%s_%s", dini->params[p]->name, DiniParameterNames[k]));
      PetscCall(DiniNearer_Private(name, candidate, nearest, distance));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it the option of a block that this Dini has? */
static PetscErrorCode DiniIsOfBlock(Dini dini, const char name[], PetscBool *is)
{
  char start[DINI_NAME];

  PetscFunctionBegin;
  *is = PETSC_FALSE;
  for (PetscInt p = 0; p < dini->nparams && !*is; p++) {
    PetscCall(PetscSNPrintf(start, sizeof(start), "parameter_%s_", dini->params[p]->name));
    PetscCall(PetscStrbeginswith(name, start, is));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReadLater(const char name[], PetscBool *later)
{
  PetscFunctionBegin;
  *later = PETSC_FALSE;
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(DiniLater) && !*later; k++)
    PetscCall(PetscStrbeginswith(name, DiniLater[k], later));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After DiniSetFromOptions(): a name that means nothing to any Dini */
static PetscErrorCode DiniWarnUnknown(Dini dini, const char option[], const char name[])
{
  char      nearest[DINI_NAME] = "";
  PetscInt  distance           = PETSC_MAX_INT;
  PetscBool block, own, later;

  PetscFunctionBegin;
  PetscCall(DiniNearest(dini, name, nearest, &distance));
  PetscCall(PetscStrbeginswith(name, "parameter_", &block));
  PetscCall(DiniIsOfBlock(dini, name, &own));
  PetscCall(DiniReadLater(name, &later));
  if (distance == 0) PetscFunctionReturn(PETSC_SUCCESS);                 /* another type's */
  if (block && !own && distance > 2) PetscFunctionReturn(PETSC_SUCCESS); /* another Dini's block, perhaps */
  if (later && distance > 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFPrintf(PetscObjectComm((PetscObject)dini), PETSC_STDERR,
                         "Warning: %s knows no option -%s, which does nothing; the nearest name is -%.*s%s\n",
                         DiniLabel_Private(dini), option, (int)(name - option), option, nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At the end: options that were meant for this Dini, or for a block it never had */
static PetscErrorCode DiniWarnIgnored(Dini dini, const char option[], const char name[])
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)dini);
  PetscBool block, own, later;

  PetscFunctionBegin;
  PetscCall(PetscStrbeginswith(name, "parameter_", &block));
  PetscCall(DiniIsOfBlock(dini, name, &own));
  PetscCall(DiniReadLater(name, &later));
  if (later) PetscFunctionReturn(PETSC_SUCCESS);
  if (!dini->fromoptions)
    PetscCall(PetscFPrintf(comm, PETSC_STDERR,
                           "Warning: -%s has done nothing: DiniSetFromOptions() was not called for %s\n", option,
                           DiniLabel_Private(dini)));
  else if (block && !own) {
    PetscCall(PetscFPrintf(comm, PETSC_STDERR,
                           "Warning: -%s has done nothing: %s has no such parameter when "
                           "DiniSetFromOptions() is called; its parameters:",
                           option, DiniLabel_Private(dini)));
    for (PetscInt p = 0; p < dini->nparams; p++)
      PetscCall(PetscFPrintf(comm, PETSC_STDERR, " %s", dini->params[p]->name));
    PetscCall(PetscFPrintf(comm, PETSC_STDERR, "\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options of this prefix, which may be NULL, that nobody has asked for yet; atend: who would have asked goes */
PetscErrorCode DiniWarnOptionsOf_Private(Dini dini, const char prefix[], PetscBool atend)
{
  PetscOptions options = ((PetscObject)dini)->options;
  char         start[DINI_NAME], **names, **values;
  size_t       length;
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(start, sizeof(start), "%sdini_", prefix ? prefix : ""));
  PetscCall(PetscStrlen(start, &length));
  PetscCall(PetscOptionsLeftGet(options, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    PetscBool ours;

    PetscCall(PetscStrbeginswith(names[i], start, &ours));
    if (!ours) continue;
    if (atend) PetscCall(DiniWarnIgnored(dini, names[i], names[i] + length));
    else PetscCall(DiniWarnUnknown(dini, names[i], names[i] + length));
  }
  PetscCall(PetscOptionsLeftRestore(options, &n, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniWarnOptions_Private(Dini dini, PetscBool atend)
{
  PetscFunctionBegin;
  PetscCall(DiniWarnOptionsOf_Private(dini, ((PetscObject)dini)->prefix, atend));
  PetscFunctionReturn(PETSC_SUCCESS);
}

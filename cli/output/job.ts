import type { Job } from '../../core/jobs/job.ts';

/** Which model the job is about, and the version that is made, or is added to. */
export function modelOf({ kind, request, result }: Job): string {
  const { model, version } =
    result ?? (kind === 'import' ? request : { model: request.model, version: null });
  return version === null ? model : `${model}@${version}`;
}

/** Present once in every module that `SyncModule.forRoot()` made, so that a second one can be noticed. */
export class SyncRootMarker {}
